//! Power cuts: what a server wrote and did not sync is gone.
//!
//! After `kill -9` the system still writes what the server wrote, synced or not. So a small library in the server notes what
//! it synced, and a power cut takes the rest from the files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{Server, Settings};

/// The name that `power.c` writes to, in the server's folder.
const SYNCED: &str = "synced";

impl Settings {
    /// The server notes what it syncs, so that [`Server::cut_power`] can be used. Its files are never rewritten.
    #[must_use]
    pub(crate) fn power_can_fail(self) -> Settings {
        let preload = format!("LD_PRELOAD={}", library().display());
        self.set("auto-aof-rewrite-percentage", "0").through(&["env", &preload])
    }
}

impl Server {
    /// Kills the server, and takes from its files what it had not synced. Says how many bytes that were.
    pub(crate) fn cut_power(&self) -> u64 {
        self.kill_9();
        let synced = synced(&self.folder().join(SYNCED));
        let data = fs::read_dir(self.folder().join("appendonlydir")).unwrap().flatten();
        data.map(|file| truncate(&file.path(), &synced)).sum()
    }
}

/// The length of each file, by its inode, when it was last synced.
fn synced(log: &Path) -> HashMap<u64, u64> {
    let log = fs::read_to_string(log).expect("a server that was started with Settings::power_can_fail");
    let entry =
        |line: &str| line.split_once(' ').map(|(inode, length)| (inode.parse().unwrap(), length.parse().unwrap()));
    log.lines().filter_map(entry).collect()
}

fn truncate(path: &Path, synced: &HashMap<u64, u64>) -> u64 {
    let file = File::options().write(true).open(path).unwrap();
    let metadata = file.metadata().unwrap();
    let kept = synced.get(&metadata.ino()).copied().unwrap_or_default().min(metadata.len());
    file.set_len(kept).unwrap();
    metadata.len() - kept
}

/// The library, compiled once for each test program.
fn library() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(compile).clone()
}

fn compile() -> PathBuf {
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("power.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/power.c");
    // Another test program may load it at this moment: it gets its name when it is whole.
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let part = folder.path().join("power.so");
    match Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&part).arg(source).arg("-ldl").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("this test needs a C compiler: apt-get install gcc libc6-dev")
        }
        ran => {
            let ran = ran.unwrap();
            assert!(ran.status.success(), "cc: {}", String::from_utf8_lossy(&ran.stderr));
        }
    }
    fs::rename(part, &library).unwrap();
    library
}
