//! A running service with a store of its own, and a client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::canary::{Program, Started};

/// A folder in which a service can be started. It is gone when this is dropped.
pub(crate) struct Shop {
    folder: TempDir,
}

/// A service that runs. It is stopped when this is dropped.
pub(crate) struct Running {
    child: Started,
    address: String,
    pub(crate) shop: Shop,
}

/// What a call answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Shop {
    /// A folder with an empty store.
    pub(crate) fn new() -> Shop {
        let shop = Shop { folder: tempfile::tempdir().unwrap() };
        shop.tearoff(&["pool", "create", "spare"]);
        shop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A pool with so many codes: `PREFIX-0`, `PREFIX-1`, …
    pub(crate) fn stock(&self, pool: &str, prefix: &str, codes: usize) {
        let lines: String = (0..codes).map(|n| format!("{prefix}-{n}\n")).collect();
        self.write("codes.txt", lines);
        self.tearoff(&["pool", "import", pool, "codes.txt"]);
    }

    /// The program in this folder, with arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Program {
        let mut command = Program::new(self.folder.path());
        command.args(arguments);
        command
    }

    /// Runs a command of the program that must succeed, and gives what it prints.
    pub(crate) fn tearoff(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command of the program that must fail, and gives what it says.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Makes a key with this scope, and gives what its owner presents.
    pub(crate) fn key(&self, scope: &str) -> String {
        self.tearoff(&["key", "create", "--scope", scope]).trim().to_owned()
    }

    /// Starts a service here that needs no keys.
    pub(crate) fn serve(self) -> Running {
        self.serve_with(&["--dev"])
    }

    /// Starts a service here.
    pub(crate) fn serve_with(self, arguments: &[&str]) -> Running {
        let mut child = self.command(&["serve", "--listen", "127.0.0.1:0"]).args(arguments).spawn().unwrap();
        let address = until("the service listens", || {
            let (ended, said) = (child.try_wait().unwrap(), child.said());
            assert!(ended.is_none(), "the service does not start: {said}");
            Some(said.split_once("listening on http://")?.1.split_once(char::is_whitespace)?.0.to_owned())
        });
        Running { child, address, shop: self }
    }
}

/// Waits until `found` gives something.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Running {
    /// A service without keys over an empty store.
    pub(crate) fn start() -> Running {
        Shop::new().serve()
    }

    /// Where it listens: host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// All that it has said on standard error, to an operator who did not ask for more.
    pub(crate) fn log(&self) -> String {
        self.child.said()
    }

    /// All that it has said on standard error, also to somebody who wants to know everything.
    pub(crate) fn whole_log(&self) -> String {
        self.child.said_at_all()
    }

    /// A connection, over which a test sends what it wants.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Tells it to stop, as an operator does.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended and said all, and gives its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], b"")
    }

    /// Posts JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// Puts JSON.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// Posts something of another type.
    pub(crate) fn send(&self, path: &str, content_type: &str, body: impl AsRef<[u8]>) -> Answer {
        self.call("POST", path, &[("Content-Type", content_type)], body.as_ref())
    }

    /// All that pools show: what is to be the same before and after a call that was refused. When they will be empty is not.
    pub(crate) fn pools(&self) -> Value {
        let mut pools = self.get("/v1/pools").json();
        pools.as_array_mut().unwrap().iter_mut().for_each(|pool| pool["dry_at"] = Value::Null);
        pools
    }

    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let has_body = !body.is_empty();
        let request = request.body(if has_body { body.to_vec() } else { Vec::new() }).unwrap();
        let mut response = agent.run(request).unwrap();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers = headers.collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        Answer { status, headers, body }
    }

    /// Its metrics, where it still answers.
    fn numbers(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")?;
        let mut numbers = String::new();
        stream.read_to_string(&mut numbers)?;
        Ok(numbers)
    }

    /// Stops it as an operator does, and waits until it has ended.
    pub(crate) fn stop(mut self) -> Shop {
        self.terminate();
        self.ended();
        std::mem::replace(&mut self.shop, Shop { folder: tempfile::tempdir().unwrap() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let numbers = self.numbers().unwrap_or_default();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            self.child.check(&numbers);
        }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The code of a problem.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        problem["code"].as_str().unwrap().to_owned()
    }
}
