//! What is asked of a connection.

use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Cmd, Pipeline, RedisError, ServerError, ServerErrorKind, Value};

use super::dial::Connection;
use crate::store::redis::fault::Fault;
use crate::store::redis::script::Call;

/// What must confirm that it has what was written.
#[derive(Clone, Copy)]
pub(super) struct Confirmation {
    pub(super) replicas: u32,
    /// How long they have.
    pub(super) time: Duration,
}

/// What is asked of a connection. It may be asked again without harm.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    /// A script.
    Script(&'a Call),
    /// A script whose answer counts only when replicas have what was written up to then.
    Kept(&'a Call, Confirmation),
    /// A command that only reads.
    Command(&'a Cmd),
    /// Commands that only read, of one slot: a list of their answers.
    Commands(&'a Pipeline),
    /// A command that only reads, on every master: a map of the answers by address.
    Masters(&'a Cmd),
}

impl Request<'_> {
    pub(super) async fn send(&self, connection: &mut Connection) -> Result<Value, Fault> {
        match *self {
            Request::Command(command) => Ok(command.query_async(connection).await?),
            Request::Commands(commands) => {
                let answers = connection.req_packed_commands(commands, 0, commands.len()).await?;
                let answers = answers.into_iter().map(Value::extract_error);
                Ok(Value::Array(answers.collect::<Result<_, _>>()?))
            }
            Request::Script(call) => match evaluate_known(call).query_async(connection).await {
                Err(error) if is_unknown_script(&error) => Ok(evaluate(call).query_async(connection).await?),
                answer => Ok(answer?),
            },
            Request::Kept(call, confirmation) => match keep(evaluate_known(call), confirmation, connection).await {
                Err(Fault::Redis(error)) if is_unknown_script(&error) => {
                    keep(evaluate(call), confirmation, connection).await
                }
                answer => answer,
            },
            Request::Masters(command) => ask_masters(command, connection).await,
        }
    }
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ServerErrorKind::NoScript.into()
}

/// The call of a script that the server has seen before.
fn evaluate_known(call: &Call) -> Cmd {
    evaluation("EVALSHA", call.script.hash(), call)
}

/// The call of a script that comes along. The server knows it from then on.
fn evaluate(call: &Call) -> Cmd {
    evaluation("EVAL", call.script.source, call)
}

fn evaluation(name: &str, script: &str, call: &Call) -> Cmd {
    let bytes = call.keys.iter().map(String::len).chain(call.arguments.iter().map(Vec::len)).sum::<usize>();
    let count = call.keys.len() + call.arguments.len() + 3;
    let mut command = Cmd::with_capacity(count, bytes + script.len() + 64);
    command.arg(name).arg(script).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
    command
}

/// Runs a script and has what it wrote confirmed. `WAIT` speaks only of what came over its own connection, so the two travel together.
async fn keep(script: Cmd, confirmation: Confirmation, connection: &mut Connection) -> Result<Value, Fault> {
    let Confirmation { replicas, time } = confirmation;
    let mut pipeline = Pipeline::new();
    pipeline.add_command(script).cmd("WAIT").arg(replicas).arg(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let mut answers = connection.req_packed_commands(&pipeline, 0, 2).await?.into_iter().map(Value::extract_error);
    let answer = answers.next().unwrap_or(Ok(Value::Nil))?;
    match answers.next().unwrap_or(Ok(Value::Nil))? {
        Value::Int(confirmed) if confirmed >= i64::from(replicas) => Ok(answer),
        _ => Err(Fault::Unconfirmed(replicas)),
    }
}

async fn ask_masters(command: &Cmd, connection: &mut Connection) -> Result<Value, Fault> {
    match connection {
        Connection::Server(server, address) => {
            let answer = match command.query_async(server).await {
                Err(error) => refusal(error)?,
                Ok(answer) => answer,
            };
            Ok(Value::Map(vec![(Value::SimpleString(address.to_string()), answer)]))
        }
        Connection::Cluster(cluster) => {
            let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
            Ok(cluster.route_command(command.clone(), everywhere).await?)
        }
    }
}

/// That we may not ask, or that a server does not know what we ask, is its answer.
fn refusal(error: RedisError) -> Result<Value, Fault> {
    let fault = Fault::from(error.clone());
    match ServerError::try_from(error) {
        Ok(refusal) if matches!(refusal.code(), "NOPERM" | "ERR") => Ok(Value::ServerError(refusal)),
        _ => Err(fault),
    }
}
