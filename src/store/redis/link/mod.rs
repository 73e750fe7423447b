//! The way to the server, or servers.

use redis::Value;
use redis::aio::MultiplexedConnection;

use super::script::Call;
use crate::error::{Error, ErrorKind, Result};

/// A way to the server that all callers share.
#[derive(Clone)]
pub(super) struct Link {
    connection: MultiplexedConnection,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

fn fault(error: redis::RedisError) -> Error {
    Error::new(ErrorKind::StoreUnavailable, "the store cannot be reached").with_source(error)
}

impl Link {
    pub(super) async fn open(url: &str) -> Result<Link> {
        let client = redis::Client::open(url).map_err(fault)?;
        Ok(Link { connection: client.get_multiplexed_async_connection().await.map_err(fault)? })
    }

    /// Runs a script, and again if its answer is lost: every script gives the same answer when it is asked again.
    pub(super) async fn run(&self, call: &Call) -> Result<Value> {
        let mut command = redis::cmd("EVAL");
        command.arg(call.script.source).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
        self.query(&command).await
    }

    /// Runs a command that only reads.
    pub(super) async fn query(&self, command: &redis::Cmd) -> Result<Value> {
        command.query_async(&mut self.connection.clone()).await.map_err(fault)
    }
}
