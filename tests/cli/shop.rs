//! A working folder with templates, and pools with vouchers.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use tearoff::store::SqliteStore;
use tearoff::voucher::{Code, Imported, Metadata, NewVoucher, PoolName, PoolSettings, Stock};
use tempfile::TempDir;

use crate::canary::Program;

/// A working folder. It is gone when this is dropped.
pub(crate) struct Shop {
    folder: TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shop {
    pub(crate) fn new() -> Shop {
        Shop { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with a pool of codes, each with a column `discount`.
    pub(crate) fn with_pool(pool: &str, codes: &[&str]) -> Shop {
        let shop = Shop::new();
        shop.add_pool(pool, codes, None);
        shop
    }

    pub(crate) fn add_pool(&self, pool: &str, codes: &[&str], expires_at: Option<Timestamp>) {
        let metadata: Metadata = serde_json::from_str(r#"{"discount": "20 %"}"#).unwrap();
        let voucher = |code: &&str| NewVoucher {
            code: Code::new(code).unwrap(),
            expires_at,
            metadata: Metadata::clone(&metadata),
        };
        let vouchers: Vec<NewVoucher> = codes.iter().map(voucher).collect();
        let (store, pool) =
            (SqliteStore::open(self.path("tearoff.db"), "default").unwrap(), PoolName::new(pool).unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let added = runtime.block_on(async {
            store.create_pool(&pool, &PoolSettings::default()).await.unwrap();
            store.import(&pool, &vouchers).await.unwrap()
        });
        assert!(added.iter().all(|answer| *answer == Imported::Added));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program in this folder, with nothing set by the machine that runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Program {
        let mut command = Program::new(self.folder.path());
        command.args(arguments);
        command
    }

    /// Runs the program in this folder; arguments are apart by spaces.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        self.run_with(&arguments.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn run_with(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// Runs a command that must succeed, and gives its standard output.
    pub(crate) fn ok(&self, arguments: &str) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments}: {run:?}");
        run.stdout
    }

    /// Runs a command that must succeed, and gives its standard output as JSON. It is one line.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        let stdout = self.ok(arguments);
        assert_eq!(stdout.matches('\n').count(), 1, "{stdout}");
        serde_json::from_str(&stdout).unwrap()
    }

    /// Renders a text message that shows a code of `spring` to a customer of campaign `sale`, as JSON.
    pub(crate) fn render(&self, customer: &str, further: &[&str]) -> (Option<i32>, Value) {
        self.write("templates/hi/body.txt", "Hi {{ customer.name }}: {{ vouchers.spring.assign_available() }}");
        let customer = format!(r#"{{"id": "{customer}", "name": "Ada"}}"#);
        let first = ["render", "hi", "--channel", "sms", "--campaign", "sale", "--customer", &customer];
        let run = self.run_with(&[&first, further].concat());
        let outcome = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
        (run.code, outcome)
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn of(command: &mut Program) -> Run {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Holds a run that failed to its exit code and to all that it says; it prints no data.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, stderr: &str) {
        assert_eq!((self.code, self.stderr.trim_end(), self.stdout.as_str()), (Some(code), stderr, ""));
    }
}

/// All names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
