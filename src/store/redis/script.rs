//! The scripts, each from its own file, and how they are called.

use std::collections::HashMap;
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
    pub(super) const fn new(source: &'static str) -> Script {
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

/// A script that must run even where memory is full: it looks up, or gives back.
macro_rules! frugal_pool_script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script =
            Script::new(concat!("#!lua flags=allow-oom\n", include_str!("scripts/prelude.lua"), include_str!($file)));
    };
}

pool_script!(SETTLE, "scripts/settle.lua");
frugal_pool_script!(FIND, "scripts/find.lua");
frugal_pool_script!(CUSTOMERS, "scripts/customers.lua");
frugal_pool_script!(ANCHORS, "scripts/anchors.lua");
frugal_pool_script!(RESERVATIONS, "scripts/reservations.lua");
pool_script!(RETIRE, "scripts/retire.lua");
pool_script!(FORGET, "scripts/forget.lua");
frugal_pool_script!(TESTS, "scripts/tests.lua");

/// Answers claims.
pub(super) static RESERVE: Script = Script::new(concat!(
    "#!lua\n",
    include_str!("scripts/prelude.lua"),
    include_str!("scripts/period.lua"),
    include_str!("scripts/reserve.lua")
));
/// Tells what counts for limits.
pub(super) static LIMIT_USE: Script = Script::new(concat!(
    "#!lua flags=allow-oom\n",
    include_str!("scripts/prelude.lua"),
    include_str!("scripts/period.lua"),
    include_str!("scripts/limit_use.lua")
));
/// Makes vouchers current.
pub(super) static MAKE_CURRENT: Script = Script::new(concat!(
    "#!lua\n",
    include_str!("scripts/prelude.lua"),
    include_str!("scripts/by_code.lua"),
    include_str!("scripts/make_current.lua")
));

/// A script of a pool that watches how much of the stock is left.
macro_rules! watching_script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script = Script::new(concat!(
            "#!lua\n",
            include_str!("scripts/prelude.lua"),
            include_str!("scripts/low.lua"),
            include_str!($file)
        ));
    };
}

watching_script!(ADD, "scripts/add.lua");
watching_script!(LOW_STOCK, "scripts/low_stock.lua");

/// Takes vouchers back by hand.
pub(super) static FREE: Script = Script::new(concat!(
    "#!lua\n",
    include_str!("scripts/prelude.lua"),
    include_str!("scripts/low.lua"),
    include_str!("scripts/names.lua"),
    include_str!("scripts/free.lua")
));

/// Looks up what is bound to codes.
pub(super) static RECORDS: Script = Script::new(concat!(
    "#!lua flags=allow-oom\n",
    include_str!("scripts/prelude.lua"),
    include_str!("scripts/by_code.lua"),
    include_str!("scripts/records.lua")
));

/// A script of a pool that knows whom the journal names.
macro_rules! naming_script {
    ($name:ident, $flags:literal, $file:literal) => {
        pub(super) static $name: Script = Script::new(concat!(
            $flags,
            include_str!("scripts/prelude.lua"),
            include_str!("scripts/names.lua"),
            include_str!($file)
        ));
    };
}

naming_script!(FORGET_NAMES, "#!lua\n", "scripts/forget_names.lua");
naming_script!(TRIM, "#!lua flags=allow-oom\n", "scripts/trim.lua");

/// A script that changes vouchers named by their codes.
macro_rules! change_script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script = Script::new(concat!(
            "#!lua\n",
            include_str!("scripts/prelude.lua"),
            include_str!("scripts/by_code.lua"),
            include_str!("scripts/names.lua"),
            include_str!("scripts/change.lua"),
            include_str!($file)
        ));
    };
}

change_script!(REDEEM, "scripts/redeem.lua");
change_script!(ROLL_BACK, "scripts/roll_back.lua");
change_script!(VOID, "scripts/void.lua");

/// Asks the registry for messages.
pub(super) static MESSAGES: Script = Script::new(concat!("#!lua\n", include_str!("scripts/messages.lua")));
/// Forgets whose messages are.
pub(super) static FORGET_MESSAGES: Script =
    Script::new(concat!("#!lua\n", include_str!("scripts/forget_messages.lua")));
/// Adds a bucket for messages to a shard.
pub(super) static SPLIT_MESSAGES: Script = Script::new(concat!("#!lua\n", include_str!("scripts/split_messages.lua")));

/// What is kept in buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Section {
    /// The bindings of a pool.
    Keys,
    /// Where the bindings of a pool's codes are.
    Codes,
    /// The messages of this shard.
    Messages(u8),
}

/// A call of a script.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) script: &'static Script,
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<Vec<u8>>,
    /// Whether what it writes must have reached the replicas before its answer counts.
    pub(super) kept: bool,
    places: HashMap<(Section, u64), usize>,
}

impl Call {
    pub(super) fn new(script: &'static Script, keys: Vec<String>) -> Call {
        Call { script, keys, arguments: Vec::new(), kept: false, places: HashMap::new() }
    }

    /// What the script writes counts only once the replicas that were asked for have it.
    #[must_use]
    pub(super) fn kept(mut self) -> Call {
        self.kept = true;
        self
    }

    /// The place of a bucket's key among the call's keys, counted from 1 as Lua does; it is declared if it is not yet.
    pub(super) fn place(&mut self, part: Section, bucket: u64, key: impl FnOnce() -> String) -> usize {
        let keys = &mut self.keys;
        *self.places.entry((part, bucket)).or_insert_with(|| {
            keys.push(key());
            keys.len()
        })
    }

    /// Adds an argument.
    pub(super) fn push(&mut self, argument: impl Into<Vec<u8>>) {
        self.arguments.push(argument.into());
    }

    /// Adds a number as an argument.
    pub(super) fn push_number(&mut self, number: impl std::fmt::Display) {
        self.arguments.push(number.to_string().into_bytes());
    }
}

/// A script that stands for itself.
macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script = Script::new(concat!("#!lua\n", include_str!($file)));
    };
}

script!(LIST_POOL, "scripts/list_pool.lua");
script!(UNLIST_POOL, "scripts/unlist_pool.lua");
script!(MAKE_POOL, "scripts/make_pool.lua");
pool_script!(SET_POOL, "scripts/set_pool.lua");
pool_script!(SHOW_POOL, "scripts/show_pool.lua");
pool_script!(CLOSE_POOL, "scripts/close_pool.lua");
script!(REOPEN_POOL, "scripts/reopen_pool.lua");
script!(REMOVE_KEYS, "scripts/remove_keys.lua");

script!(NUMBER_CHUNKS, "scripts/number_chunks.lua");
script!(FORGET_CHUNKS, "scripts/forget_chunks.lua");

/// A script of the registry's codes, behind what all of them share.
macro_rules! bucket_script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: Script =
            Script::new(concat!("#!lua\n", include_str!("scripts/bucket.lua"), include_str!($file)));
    };
}

bucket_script!(REGISTER, "scripts/register.lua");
bucket_script!(UNREGISTER, "scripts/unregister.lua");
bucket_script!(FIND_CODES, "scripts/find_codes.lua");
bucket_script!(READ_CODES, "scripts/read_codes.lua");
bucket_script!(SPLIT_CODES, "scripts/split_codes.lua");

pool_script!(OPEN_IMPORT, "scripts/open_import.lua");
pool_script!(PEND, "scripts/pend.lua");
pool_script!(DESCRIBE, "scripts/describe.lua");
pool_script!(WITHDRAW, "scripts/withdraw.lua");
pool_script!(SPLIT, "scripts/split.lua");
