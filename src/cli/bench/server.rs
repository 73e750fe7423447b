//! A Redis server for this run alone.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::store::NaiveRedis;

const PROGRAM: &str = "redis-server";
/// How often a new server is asked whether it answers.
const ATTEMPTS: usize = 500;
/// How long to wait in between.
const PAUSE: Duration = Duration::from_millis(20);

/// As the program wants a server: nothing that was answered is lost in a crash. The log is not rewritten meanwhile, which
/// would take a core for itself at a random moment.
const SETTINGS: [&str; 14] = [
    "--bind",
    "127.0.0.1",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--save",
    "",
    "--auto-aof-rewrite-percentage",
    "0",
    "--slowlog-max-len",
    "0",
    "--daemonize",
    "no",
];

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    process: Mutex<Child>,
    url: String,
}

impl Server {
    /// Starts a server that keeps its data in `folder`. It does not answer yet.
    pub(super) fn start(folder: &Path) -> Result<Server> {
        let make = || -> io::Result<Server> {
            std::fs::create_dir_all(folder)?;
            // Free at this moment: the system gives no port twice in a short time.
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let mut command = Command::new(PROGRAM);
            command.args(SETTINGS).args(["--port", &port.to_string()]).arg("--dir").arg(folder);
            let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            Ok(Server { process: Mutex::new(process), url: format!("redis://127.0.0.1:{port}") })
        };
        make().map_err(cannot_start)
    }

    /// Waits until it answers; says no if it ended instead, which it does where somebody else got its port.
    pub(super) async fn is_ready(&self) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let has_ended = self.lock().try_wait().map_err(cannot_start)?.is_some();
            if has_ended {
                return Ok(false);
            }
            if self.answers().await {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(false)
    }

    /// Whether it is this server that answers, and no other one at its port: everything on it will be removed.
    async fn answers(&self) -> bool {
        let process = async { self.plain("ready").await?.info("process_id").await };
        process.await.is_ok_and(|id| id == f64::from(self.lock().id()))
    }

    /// Its URL, for a store.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The server as a program without Tearoff sees it; what such a program writes has this prefix.
    pub(super) async fn plain(&self, prefix: &str) -> Result<NaiveRedis> {
        NaiveRedis::connect(&self.url, prefix).await
    }

    /// Ends it at once.
    pub(super) fn stop(&self) {
        let mut process = self.lock();
        // It may have ended by itself.
        let _ = process.kill();
        let _ = process.wait();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The version of the server that is installed.
pub(super) fn version() -> Result<String> {
    let output = Command::new(PROGRAM).arg("--version").output().map_err(cannot_start)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or("unknown").to_owned())
}

fn cannot_start(error: io::Error) -> Error {
    let (kind, what, help) = match error.kind() {
        io::ErrorKind::NotFound => (
            ErrorKind::InvalidInput,
            "is not installed; the benchmark runs beside a Redis server of its own".to_owned(),
            "install it: 'apt-get install redis-server', or 'make tools' in the sources of Tearoff",
        ),
        _ => (
            ErrorKind::Io,
            format!("cannot be started: {error}"),
            "check that it runs, and that there is room in the temporary folder",
        ),
    };
    Error::new(kind, format!("{PROGRAM} {what}")).with_help(help).with_source(error)
}
