//! One Redis server.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use redis::{Connection, ConnectionInfo, FromRedisValue, IntoConnectionInfo, RedisResult};
use tempfile::TempDir;

use super::port::free_port;
use super::process::Process;
use super::settings::{ADMIN, Settings};
use super::wait::until;
use crate::canary::listen;

const LOG: &str = "redis.log";

/// How long a server may take to answer a test's own question.
const ANSWER: Duration = Duration::from_secs(5);

/// A Redis server with a port and a folder of its own.
pub(crate) struct Server {
    settings: Mutex<Settings>,
    port: u16,
    process: Mutex<Option<Process>>,
    folder: TempDir,
}

impl Server {
    /// A server as the program wants it, ready to answer.
    pub(crate) fn start() -> Server {
        Server::with(&Settings::default())
    }

    /// A server with these settings, ready to answer.
    pub(crate) fn with(settings: &Settings) -> Server {
        need_redis_server();
        listen();
        for _ in 0..5 {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            settings.write(folder.path(), port);
            let settings = Mutex::new(settings.clone());
            let server = Server { settings, port, process: Mutex::new(None), folder };
            if server.run() {
                return server;
            }
            assert!(server.log().contains("Address already in use"), "redis-server does not start:\n{}", server.log());
        }
        panic!("no port was free for redis-server");
    }

    /// Starts the process; says whether it came to answer.
    fn run(&self) -> bool {
        let command = self.settings.lock().unwrap().command();
        *self.process.lock().unwrap() = Some(Process::start(self.folder.path(), LOG, &command));
        until("redis-server answers PING", || {
            if self.has_ended() {
                return Some(false);
            }
            self.try_command::<String>(&["PING"]).is_ok_and(|answer| answer == "PONG").then_some(true)
        })
    }

    /// Its port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, with `redis.conf`, `redis.log` and its data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The store URL of the server.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// A connection by which a test sets things and looks at them: no port, password or certificate is in its way.
    pub(crate) fn admin(&self) -> RedisResult<Connection> {
        let info: ConnectionInfo = format!("unix://{}/socket", self.folder.path().display()).into_connection_info()?;
        let login = info.redis_settings().clone().set_username(ADMIN).set_password(ADMIN);
        let connection = redis::Client::open(info.set_redis_settings(login))?.get_connection_with_timeout(ANSWER)?;
        connection.set_read_timeout(Some(ANSWER))?;
        Ok(connection)
    }

    /// Runs a command by the back door.
    #[track_caller]
    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_command(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// The same where it may fail.
    pub(crate) fn try_command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        redis::cmd(words[0]).arg(&words[1..]).query(&mut self.admin()?)
    }

    /// A field of `INFO`.
    pub(crate) fn info(&self, field: &str) -> Option<String> {
        let info: String = self.try_command(&["INFO"]).ok()?;
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    /// Kills it by `SIGKILL`.
    pub(crate) fn kill_9(&self) {
        drop(self.process.lock().unwrap().take());
    }

    /// Whether it is not running.
    pub(crate) fn has_ended(&self) -> bool {
        self.process.lock().unwrap().as_mut().is_none_or(Process::has_ended)
    }

    /// Starts it again, killed or not, on its port with its data.
    #[track_caller]
    pub(crate) fn restart(&self) {
        self.kill_9();
        assert!(self.run(), "redis-server does not start again:\n{}", self.log());
    }

    /// Starts it again in another way: only what it is run through may change.
    #[track_caller]
    pub(crate) fn restart_with(&self, change: impl FnOnce(Settings) -> Settings) {
        {
            let mut settings = self.settings.lock().unwrap();
            *settings = change(settings.clone());
        }
        self.restart();
    }

    /// Stops it by `SIGSTOP`: connections stay open, and nothing is answered.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`stop`](Server::stop).
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        self.process.lock().unwrap().as_ref().expect("a running server").signal(name);
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }
}

fn need_redis_server() {
    match Command::new("redis-server").arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("these tests need redis-server 7: apt-get install redis-server")
        }
        version => assert!(version.unwrap().status.success(), "redis-server does not run"),
    }
}
