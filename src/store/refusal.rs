//! What every store says, in the same words, when a request does not fit what is there.

use crate::error::{Error, ErrorKind};
use crate::voucher::{ImportId, PoolName};

/// There is no such pool.
pub(super) fn no_such_pool(name: &PoolName) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no pool '{name}'"))
        .with_help("'tearoff pool list' shows those that exist")
}

/// The pool has had no such import.
pub(super) fn no_such_import(pool: &PoolName, import: &ImportId) -> Error {
    Error::new(ErrorKind::NotFound, format!("pool '{pool}' has had no import '{import}'"))
        .with_help("'tearoff pool import' says the id of its import; one that added nothing is none")
}

/// A page was asked for behind a code that is not there.
pub(super) fn not_in_pool() -> Error {
    Error::new(ErrorKind::NotFound, "the code to go on behind is not in this pool")
        .with_help("start again from the first page")
}

/// A pool of that name is there already.
pub(super) fn pool_exists(name: &PoolName) -> Error {
    refused(format!("pool '{name}' exists already"), "change it with 'tearoff pool set'")
}

/// Another pool overflows into this one.
pub(super) fn is_overflow(name: &PoolName) -> Error {
    let message = format!("pool '{name}' is the overflow pool of another");
    refused(message, "give that pool another overflow pool first")
}

/// Messages hold codes at this moment.
pub(super) fn is_reserved(name: &PoolName) -> Error {
    let message = format!("codes of pool '{name}' are reserved at this moment");
    refused(message, "wait until the messages that need them are done")
}

/// Messages for a customer who is to be forgotten are under way.
pub(super) fn is_under_way() -> Error {
    let message = "messages for this customer are under way".to_owned();
    refused(message, "wait until they are done, then ask again")
}

/// Customers hold codes, and nobody said that they are archived.
pub(super) fn is_assigned(name: &PoolName) -> Error {
    let message = format!("codes of pool '{name}' are assigned to customers");
    refused(message, "delete it with '--archive FILE'")
}

/// The pool of that name was being deleted when something broke.
pub(super) fn is_half_deleted(name: &PoolName) -> Error {
    let message = format!("pool '{name}' is being deleted");
    refused(message, "wait until that is done; if it was interrupted, delete the pool again")
}

fn refused(message: String, help: &str) -> Error {
    Error::new(ErrorKind::Refused, message).with_help(help)
}
