//! Servers under Sentinel: who is the master?

use redis::Value;
use tokio::task::JoinSet;

use super::dial::{Connection, Dialer};
use crate::store::redis::fault::{Cure, Fault};
use crate::store::redis::target::Node;

/// Asks all sentinels at once, and connects to the first server they name that says itself that it is the master.
pub(super) async fn master(dialer: &Dialer, sentinels: &[Node], name: &str) -> Result<Connection, Fault> {
    let mut asked = JoinSet::new();
    for sentinel in sentinels {
        let (dialer, sentinel, name) = (dialer.clone(), sentinel.clone(), name.to_owned());
        asked.spawn(async move { ask(&dialer, &sentinel, &name).await });
    }
    let mut tried = Vec::new();
    let mut worst = Fault::NoSentinel;
    while let Some(answer) = asked.join_next().await {
        let result = match answer {
            Ok(Ok(address)) if tried.contains(&address) => continue,
            Ok(Ok(address)) => {
                tried.push(address.clone());
                dialer.master(address).await
            }
            Ok(Err(fault)) => Err(fault),
            Err(_) => continue,
        };
        match result {
            Ok(connection) => return Ok(connection),
            // That a sentinel is away says less than what another one, or a server, has answered.
            Err(fault) if fault.cure() == Cure::None || !tried.is_empty() => worst = fault,
            Err(_) => {}
        }
    }
    Err(worst)
}

/// The address of the master, as one sentinel knows it.
async fn ask(dialer: &Dialer, sentinel: &Node, name: &str) -> Result<Node, Fault> {
    match ask_as(dialer, sentinel, name, false).await {
        Err(Fault::Redis(error)) if error.code() == Some("NOAUTH") => ask_as(dialer, sentinel, name, true).await,
        // A server that is no sentinel does not know the command.
        Err(Fault::Redis(error)) if error.code() == Some("ERR") => Err(Fault::UnknownMaster),
        answer => answer,
    }
}

async fn ask_as(dialer: &Dialer, sentinel: &Node, name: &str, with_password: bool) -> Result<Node, Fault> {
    let mut connection = dialer.sentinel(sentinel, with_password).await?;
    let mut question = redis::cmd("SENTINEL");
    question.arg("get-master-addr-by-name").arg(name);
    let address: Option<(String, u16)> = match question.query_async::<Value>(&mut connection).await? {
        Value::Nil => None,
        address => redis::from_redis_value(address).ok(),
    };
    let (host, port) = address.ok_or(Fault::UnknownMaster)?;
    Ok(Node { host, port })
}
