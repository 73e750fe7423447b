//! The program, started so that nothing it says goes unheard.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use tempfile::NamedTempFile;

use super::{Marks, as_asked, check};

/// Everything, but for the handshakes that rustls tells over several lines; they are over before anything of ours is sent.
pub(crate) const MOST_TALKATIVE: &str = "trace,rustls=debug";

/// A command of the program, with nothing set by the machine that runs the tests. Its standard error is not the test's.
pub(crate) struct Program {
    command: Command,
}

/// The program as it runs; it is held to its silence when this is dropped.
pub(crate) struct Started {
    child: Option<Child>,
    ear: Ear,
}

/// What one run has said so far, and what it must not say.
struct Ear {
    said: NamedTempFile,
    folder: PathBuf,
    arguments: Vec<OsString>,
    marks: Marks,
}

impl Program {
    /// The program in a folder.
    pub(crate) fn new(folder: &Path) -> Program {
        Program::by(Command::new(env!("CARGO_BIN_EXE_tearoff")), folder)
    }

    /// Another program that becomes this one, in a folder.
    pub(crate) fn by(mut command: Command, folder: &Path) -> Program {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TEAROFF_")) {
            command.env_remove(name);
        }
        command.env_remove("NO_COLOR").env_remove("RUST_BACKTRACE").env("RUST_LOG", MOST_TALKATIVE);
        command.current_dir(folder);
        Program { command }
    }

    pub(crate) fn args(&mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Program {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Program {
        self.command.env(name, value);
        self
    }

    pub(crate) fn envs<'a>(&mut self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> &mut Program {
        self.command.envs(variables);
        self
    }

    pub(crate) fn stdin(&mut self, input: impl Into<Stdio>) -> &mut Program {
        self.command.stdin(input);
        self
    }

    /// Gives this on standard input.
    pub(crate) fn reads(&mut self, input: impl AsRef<[u8]>) -> &mut Program {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(input.as_ref()).unwrap();
        file.rewind().unwrap();
        self.stdin(file)
    }

    pub(crate) fn stdout(&mut self, output: impl Into<Stdio>) -> &mut Program {
        self.command.stdout(output);
        self
    }

    #[track_caller]
    pub(crate) fn spawn(&mut self) -> io::Result<Started> {
        let ear = Ear::of(&self.command);
        let child = self.command.stderr(ear.mouth()).spawn()?;
        Ok(Started { child: Some(child), ear })
    }

    /// Runs it to its end; standard error is given as a person sees it.
    #[track_caller]
    pub(crate) fn output(&mut self) -> io::Result<Output> {
        let ear = Ear::of(&self.command);
        let output = self.command.stderr(ear.mouth()).output()?;
        ear.check();
        Ok(Output { stderr: ear.as_asked().into_bytes(), ..output })
    }

    #[track_caller]
    pub(crate) fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait()
    }
}

impl Started {
    /// What a person has seen on standard error so far.
    pub(crate) fn said(&self) -> String {
        self.ear.as_asked()
    }

    /// All that it has said on standard error so far, log lines that nobody asked for among it.
    pub(crate) fn said_at_all(&self) -> String {
        self.ear.all()
    }

    /// Holds something else that it tells, such as its metrics, to the same silence.
    #[track_caller]
    pub(crate) fn check(&self, told: &str) {
        check(told, &self.ear.all_marks());
    }

    pub(crate) fn wait_with_output(mut self) -> io::Result<Output> {
        let output = self.child.take().map(Child::wait_with_output).unwrap()?;
        Ok(Output { stderr: self.said().into_bytes(), ..output })
    }
}

impl Deref for Started {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.child.as_ref().unwrap()
    }
}

impl DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that fails already says more about why.
        if !std::thread::panicking() {
            self.ear.check();
        }
    }
}

impl Ear {
    /// Learns what the command could say, before it may have deleted that.
    fn of(command: &Command) -> Ear {
        let folder = command.get_current_dir().unwrap().to_owned();
        let arguments: Vec<OsString> = command.get_args().map(OsStr::to_owned).collect();
        let mut marks = Marks::default();
        marks.in_stores(&folder);
        if arguments.iter().any(|argument| argument == "import" || argument == "voucher") {
            arguments.iter().for_each(|argument| marks.in_file(&folder.join(argument)));
        }
        if let Some(at) = arguments.iter().position(|argument| argument == "voucher") {
            marks.in_argument(arguments.get(at + 2));
        }
        Ear { said: NamedTempFile::new().unwrap(), folder, arguments, marks }
    }

    /// Where the program writes to.
    fn mouth(&self) -> File {
        OpenOptions::new().append(true).open(self.said.path()).unwrap()
    }

    fn all(&self) -> String {
        let mut said = Vec::new();
        self.said.reopen().unwrap().read_to_end(&mut said).unwrap();
        String::from_utf8(said).unwrap()
    }

    fn as_asked(&self) -> String {
        as_asked(&self.all(), self.arguments.iter().map(OsString::as_os_str))
    }

    fn all_marks(&self) -> Marks {
        let mut marks = self.marks.clone();
        marks.in_stores(&self.folder);
        marks
    }

    #[track_caller]
    fn check(&self) {
        check(&self.all(), &self.all_marks());
    }
}
