//! How a server is set up.

use std::path::Path;

/// The user of [`Server::admin`](super::Server::admin), who may do everything whatever the test sets.
pub(super) const ADMIN: &str = "tests";

/// How a server is set up.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    lines: Vec<String>,
    port_setting: &'static str,
    wrapper: Vec<String>,
    flags: Vec<String>,
}

impl Default for Settings {
    /// As the program wants it: nothing that was answered is lost in a crash, nothing is evicted.
    fn default() -> Settings {
        Settings::bare()
            .set("appendonly", "yes")
            .set("appendfsync", "always")
            .set("save", "\"\"")
            .set("maxmemory-policy", "noeviction")
            .set("repl-diskless-sync-delay", "0")
            .set("repl-ping-replica-period", "1")
    }
}

impl Settings {
    /// Only what a test server needs whatever it is for.
    pub(super) fn bare() -> Settings {
        let settings = Settings { lines: Vec::new(), port_setting: "port", wrapper: Vec::new(), flags: Vec::new() };
        settings.set("bind", "127.0.0.1").set("user", &format!("{ADMIN} on >{ADMIN} ~* &* +@all"))
    }

    /// A line of `redis.conf`; the last one of a name holds.
    #[must_use]
    pub(crate) fn set(mut self, name: &str, value: &str) -> Settings {
        self.lines.push(format!("{name} {value}"));
        self
    }

    /// The server asks its ordinary callers for this password.
    #[must_use]
    pub(crate) fn password(self, password: &str) -> Settings {
        self.set("requirepass", password)
    }

    /// A user of that name and password with these rules, in the words of `ACL SETUSER`. Nobody comes in without a name.
    #[must_use]
    pub(crate) fn user(self, name: &str, password: &str, rules: &str) -> Settings {
        self.set("user", "default off").set("user", &format!("{name} on >{password} {rules}"))
    }

    /// The port speaks TLS only.
    #[must_use]
    pub(crate) fn tls(mut self, certificates: &super::Certificates) -> Settings {
        self.port_setting = "tls-port";
        let path = |path: std::path::PathBuf| path.display().to_string();
        self.set("port", "0")
            .set("tls-cert-file", &path(certificates.server()))
            .set("tls-key-file", &path(certificates.server_key()))
            .set("tls-ca-cert-file", &path(certificates.authority()))
            .set("tls-auth-clients", "no")
    }

    /// Runs the server through another program, such as `env` with variables.
    #[must_use]
    pub(crate) fn through(mut self, wrapper: &[&str]) -> Settings {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// No file of the server may grow beyond so many KiB: writing more fails, as on a full disk.
    #[must_use]
    pub(crate) fn file_limit(self, kib: usize) -> Settings {
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib * 2);
        self.through(&["sh", "-c", &script, "sh"])
    }

    /// Adds a flag behind the configuration file.
    #[must_use]
    pub(super) fn flag(mut self, flag: &str) -> Settings {
        self.flags.push(flag.to_owned());
        self
    }

    /// Writes `redis.conf` into the server's folder.
    pub(super) fn write(&self, folder: &Path, port: u16) {
        let mut text = self.lines.join("\n");
        let here = folder.display();
        text += &format!("\n{} {port}\ndir {here}\nunixsocket {here}/socket\n", self.port_setting);
        std::fs::write(folder.join("redis.conf"), text).unwrap();
    }

    /// The command that starts the server.
    pub(super) fn command(&self) -> Vec<String> {
        let server = ["redis-server".to_owned(), "redis.conf".to_owned()];
        [&self.wrapper[..], &server, &self.flags].concat()
    }
}
