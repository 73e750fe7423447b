//! A running service with a store of its own, and a client.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A folder in which a service can be started. It is gone when this is dropped.
pub(crate) struct Shop {
    folder: TempDir,
}

/// A service that runs. It is stopped when this is dropped.
pub(crate) struct Running {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
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
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
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
        let output = program(self.folder.path()).args(arguments).output().unwrap();
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
        let mut command = program(self.folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok).inspect({
            let log = Arc::clone(&log);
            move |line| {
                let mut log = log.lock().unwrap();
                log.push_str(line);
                log.push('\n');
            }
        });
        let address = lines
            .by_ref()
            .find_map(|line| Some(line.split_once("listening on http://")?.1.split_whitespace().next()?.to_owned()));
        let Some(address) = address else { panic!("the service does not start: {}", log.lock().unwrap()) };
        // Whoever writes to a pipe that nobody reads stops in the end.
        let reader = Some(std::thread::spawn(move || lines.for_each(drop)));
        Running { child, address, log, reader, shop: self }
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

/// The program in a folder, with nothing set by the machine that runs the tests.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("tearoff"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TEAROFF_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").current_dir(folder);
    command
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

    /// All that it has said on standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
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
        let code = self.child.wait().unwrap().code();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        code
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

    /// Stops it as an operator does, and waits until it has ended.
    pub(crate) fn stop(mut self) -> Shop {
        self.terminate();
        self.ended();
        std::mem::replace(&mut self.shop, Shop { folder: tempfile::tempdir().unwrap() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
