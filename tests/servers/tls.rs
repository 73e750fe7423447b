//! Certificates of an authority that only the test trusts.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// An authority, and what it certified: a server on 127.0.0.1.
pub(crate) struct Certificates {
    folder: TempDir,
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl Certificates {
    /// Makes new ones, valid for two days.
    pub(crate) fn new() -> Certificates {
        Certificates::that_end("2")
    }

    /// The server's ended yesterday.
    pub(crate) fn expired() -> Certificates {
        Certificates::that_end("-1")
    }

    /// The server's is valid for so many days.
    fn that_end(days: &str) -> Certificates {
        let certificates = Certificates { folder: tempfile::tempdir().unwrap() };
        let authority = ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=tests"];
        certificates.openssl(&[&authority[..], &KEY].concat());
        let request = ["req", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1"];
        certificates.openssl(&[&request[..], &KEY].concat());
        std::fs::write(certificates.path("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost").unwrap();
        certificates.openssl(&[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            days,
            "-extfile",
            "names",
            "-out",
            "server.pem",
        ]);
        certificates
    }

    /// The authority's own certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The server's certificate.
    pub(crate) fn server(&self) -> PathBuf {
        self.path("server.pem")
    }

    /// The server's private key.
    pub(crate) fn server_key(&self) -> PathBuf {
        self.path("server.key")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &[&str]) {
        match Command::new("openssl").args(arguments).current_dir(self.folder.path()).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("this test needs openssl: apt-get install openssl")
            }
            ran => {
                let ran = ran.unwrap();
                assert!(ran.status.success(), "openssl: {}", String::from_utf8_lossy(&ran.stderr));
            }
        }
    }
}
