//! The scripts, each from its own file, and how they are called.

use std::sync::OnceLock;

use sha1_smol::Sha1;

/// A Lua script. It runs on the server in one step.
#[derive(Debug)]
pub(super) struct Script {
    /// The whole source, as the server gets it.
    pub(super) source: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    const fn new(source: &'static str) -> Script {
        Script { source, hash: OnceLock::new() }
    }

    /// The name under which a server that has seen the script knows it.
    pub(super) fn hash(&self) -> &str {
        self.hash.get_or_init(|| Sha1::from(self.source.as_bytes()).digest().to_string())
    }
}

/// A script of a pool, behind what all of them share.
macro_rules! pool_script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script =
            Script::new(concat!("#!lua\n", include_str!("scripts/prelude.lua"), include_str!($file)));
    };
}

/// A call of a script.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) script: &'static Script,
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<Vec<u8>>,
    /// Whether what it writes must have reached the replicas before its answer counts.
    pub(super) kept: bool,
}

impl Call {
    pub(super) fn new(script: &'static Script, keys: Vec<String>) -> Call {
        Call { script, keys, arguments: Vec::new(), kept: false }
    }

    /// What the script writes counts only once the replicas that were asked for have it.
    #[must_use]
    pub(super) fn kept(mut self) -> Call {
        self.kept = true;
        self
    }

    /// Adds an argument.
    pub(super) fn push(&mut self, argument: impl Into<Vec<u8>>) {
        self.arguments.push(argument.into());
    }

    /// Adds a number as an argument.
    pub(super) fn push_number(&mut self, number: impl ToString) {
        self.arguments.push(number.to_string().into_bytes());
    }
}
