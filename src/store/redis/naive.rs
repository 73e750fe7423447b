//! What a program without Tearoff would do, to compare with. Nothing of the store uses it.
//!
//! Two layouts under one prefix: a set of codes with a hash for each, and a list of codes for a script that claims for one
//! message. Neither survives what the store survives; they are here to be measured.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, Pipeline};

use super::fault::Fault;
use super::script::Script;
use super::target::RedisUrl;
use crate::error::{Error, ErrorKind, Result};

static ONE_MESSAGE: Script = Script::new(concat!("#!lua\n", include_str!("scripts/one_message.lua")));

/// Codes on a single Redis server as a program without Tearoff would keep them, to compare with.
#[derive(Debug, Clone)]
pub struct NaiveRedis {
    url: RedisUrl,
    connection: MultiplexedConnection,
    prefix: String,
}

impl NaiveRedis {
    /// Connects to the server at `url`; all keys begin with `prefix`.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if no server answers, [`ErrorKind::InvalidInput`] for a wrong URL.
    pub async fn connect(url: &str, prefix: &str) -> Result<NaiveRedis> {
        let target: RedisUrl = url.parse()?;
        // A pipeline of many writes may take its time.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connect = async { redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await };
        let connection = connect.await.map_err(|error| Fault::from(error).told_of(&target))?;
        Ok(NaiveRedis { url: target, connection, prefix: prefix.to_owned() })
    }

    /// Adds codes: each to a set, which says whether it is new, and with a hash of its own. One pipeline.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it.
    pub async fn import(&self, codes: &[String]) -> Result<()> {
        let mut pipeline = redis::pipe();
        for code in codes {
            pipeline.sadd(self.key("codes"), code).ignore();
            pipeline.hset(self.hash_of(code), "state", "available").ignore();
        }
        self.send(&pipeline).await
    }

    /// Takes a code of the set and writes down whose it is: two round trips.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it, [`ErrorKind::NotFound`] if no code is left.
    pub async fn claim(&self, message: &str) -> Result<String> {
        let code: Option<String> = self.ask(redis::cmd("SPOP").arg(self.key("codes"))).await?;
        let code = code.ok_or_else(no_code)?;
        self.ask::<()>(redis::cmd("HSET").arg(self.key("claims")).arg(message).arg(&code)).await?;
        Ok(code)
    }

    /// Takes a code of the set for each message and writes into the code's hash whose it is. Two pipelines.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it, [`ErrorKind::NotFound`] if too few codes are left.
    pub async fn assign(&self, campaign: &str, customers: &[String]) -> Result<()> {
        let mut pops = redis::pipe();
        customers.iter().for_each(|_| {
            pops.spop(self.key("codes"));
        });
        let codes: Vec<Option<String>> = self.send(&pops).await?;
        let mut writes = redis::pipe();
        for (customer, code) in customers.iter().zip(codes) {
            let fields = [("state", "assigned"), ("customer", customer), ("campaign", campaign), ("at", "1790000000")];
            writes.hset_multiple(self.hash_of(&code.ok_or_else(no_code)?), &fields).ignore();
        }
        self.send(&writes).await
    }

    /// Fills the list from which [`claim_by_script`](NaiveRedis::claim_by_script) takes. One pipeline.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it.
    pub async fn fill_list(&self, codes: &[String]) -> Result<()> {
        self.send(redis::pipe().rpush(self.key("list"), codes).ignore()).await
    }

    /// Claims for each of these messages (id and customer) by a script that does one message: idempotent, with an index by
    /// customer and a journal. One pipeline of as many calls.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it, [`ErrorKind::NotFound`] if too few codes are left.
    pub async fn claim_by_script(&self, campaign: &str, messages: &[(String, String)]) -> Result<Vec<String>> {
        let mut pipeline = redis::pipe();
        for (message, customer) in messages {
            let call = pipeline.cmd("EVALSHA").arg(ONE_MESSAGE.hash()).arg(4);
            call.arg(self.key("list")).arg(self.key("claims"));
            call.arg(format!("{}:customer:{customer}", self.prefix)).arg(self.key("journal"));
            call.arg(message).arg(customer).arg(campaign).arg(self.hash_of(""));
        }
        let codes: Vec<Option<String>> = self.send(&pipeline).await?;
        codes.into_iter().map(|code| code.ok_or_else(no_code)).collect()
    }

    /// Makes the server know the script.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it.
    pub async fn load_script(&self) -> Result<()> {
        self.ask(redis::cmd("SCRIPT").arg("LOAD").arg(ONE_MESSAGE.source)).await
    }

    /// A number of the server's `INFO`.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not answer, [`ErrorKind::NotFound`] if there is no such number.
    pub async fn info(&self, field: &str) -> Result<f64> {
        let info: String = self.ask(redis::cmd("INFO").arg("everything")).await?;
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value
            .and_then(|value| value.trim().parse().ok())
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the server's INFO has no number '{field}'")))
    }

    /// Removes a key.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it.
    pub async fn remove(&self, key: &str) -> Result<()> {
        self.ask(redis::cmd("DEL").arg(key)).await
    }

    /// Removes everything that is on the server, whoever wrote it.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] if the server does not do it.
    pub async fn remove_everything(&self) -> Result<()> {
        self.ask(redis::cmd("FLUSHALL").arg("SYNC")).await
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    fn hash_of(&self, code: &str) -> String {
        format!("{}:code:{code}", self.prefix)
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T> {
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.map_err(|error| Fault::from(error).told_of(&self.url))
    }

    async fn send<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T> {
        let mut connection = self.connection.clone();
        pipeline.query_async(&mut connection).await.map_err(|error| Fault::from(error).told_of(&self.url))
    }
}

fn no_code() -> Error {
    Error::new(ErrorKind::NotFound, "no code is left")
}
