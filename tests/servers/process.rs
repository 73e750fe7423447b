//! A program that does not outlive the test.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The shell becomes the program. What it leaves behind waits for the test's end of a pipe: a line lets it go, the end of the
/// test, however it comes, kills the program and removes its folder.
const LAUNCH: &str = r#"
folder=$1; shift; exec 3<&0
(trap '' INT TERM HUP; read -r line <&3 || { kill -9 $$; rm -rf "$folder"; }) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;

/// A running program.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program that works in `folder`; what it prints is added to `log` there.
    pub(crate) fn start(folder: &Path, log: &str, command: &[String]) -> Process {
        let log = File::options().create(true).append(true).open(folder.join(log)).unwrap();
        let child = Command::new("sh")
            .args(["-c", LAUNCH, "sh"])
            .arg(folder)
            .args(command)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Process { child }
    }

    /// Whether it ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let arguments = [format!("-{name}"), self.child.id().to_string()];
        assert!(Command::new("kill").args(arguments).status().unwrap().success());
    }
}

impl Drop for Process {
    /// Kills it at once: it gets no chance to write anything.
    fn drop(&mut self) {
        // Waiting would close the pipe, as the end of the test does.
        let pipe = self.child.stdin.take();
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = pipe.map(|mut pipe| pipe.write_all(b"\n"));
    }
}
