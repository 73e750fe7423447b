//! One connection that is made anew when it breaks.

use std::sync::Arc;

use redis::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::dial::{Connection, Dialer};
use super::request::Request;
use crate::store::redis::fault::Fault;

/// One connection that all callers share, and that one of them makes anew for all when it breaks.
pub(super) struct Lane {
    dialer: Arc<Dialer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// How many connections there have been.
    generation: u64,
    /// When the last attempt to connect failed, and why.
    failed: Option<(Instant, Fault)>,
}

impl Lane {
    pub(super) fn new(dialer: Arc<Dialer>) -> Lane {
        Lane { dialer, state: Mutex::default() }
    }

    /// Has a request answered over the connection, which is given up if it is broken or hangs.
    pub(super) async fn attempt(&self, request: &Request<'_>) -> Result<Value, Fault> {
        let (generation, mut connection) = self.connection().await?;
        let answer = request.send(&mut connection).await;
        if answer.as_ref().is_err_and(Fault::spoils_connection) {
            self.give_up(generation).await;
        }
        answer
    }

    pub(super) async fn connect(&self) -> Result<(), Fault> {
        self.connection().await.map(|_| ())
    }

    /// The connection; if there is none, the first who asks makes it, and the others wait for what becomes of that.
    async fn connection(&self) -> Result<(u64, Connection), Fault> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok((state.generation, connection.clone()));
        }
        if let Some((_, fault)) = state.failed.as_ref().filter(|(at, _)| *at > asked) {
            return Err(fault.clone());
        }
        match self.dialer.connect().await {
            Ok(connection) => {
                state.generation += 1;
                state.connection = Some(connection.clone());
                Ok((state.generation, connection))
            }
            Err(fault) => {
                state.failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    /// Gives a connection up, unless somebody else has done so before.
    async fn give_up(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation {
            state.connection = None;
        }
    }
}
