//! Tells another server that a pool is low: signed, tried again when it does not listen, and never waited for by messages.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::campaign::LowStockListener;
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{LowStock, PoolName};

/// The header with the signature of the body: `sha256=` and the HMAC-SHA256 in hexadecimal.
const SIGNATURE: &str = "Tearoff-Signature";
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before each further try.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10), Duration::from_secs(20)];
/// How long a program that is done waits for what is not told yet.
const FAREWELL: Duration = Duration::from_secs(45);

/// `[low_stock]` of `tearoff.toml`: who is told when a pool becomes low.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookConfig {
    /// The URL that is called.
    webhook: String,
    /// What the calls are signed with.
    secret: String,
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookConfig(…)")
    }
}

impl WebhookConfig {
    /// Checks what can be known before there is anything to tell.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the URL is not one of https, or the secret is empty. The message repeats neither.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |message: &str, help: &str| Err(Error::new(ErrorKind::InvalidInput, message).with_help(help));
        if !is_https(&self.webhook) && !is_of_this_machine(&self.webhook) {
            return invalid("tearoff.toml: low_stock.webhook is no https URL", "write webhook = \"https://…\"");
        }
        if self.secret.is_empty() {
            let help = "write secret = \"…\", the text that the receiver checks signatures with";
            return invalid("tearoff.toml: low_stock.secret is empty", help);
        }
        Ok(())
    }
}

fn is_https(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// Without encryption, no call leaves the machine.
fn is_of_this_machine(url: &str) -> bool {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?']).next());
    host.is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    })
}

/// A thread that tells, one call after the other.
#[derive(Debug)]
pub(super) struct Webhook {
    project: String,
    /// Nothing once it has been asked to end.
    calls: Mutex<Option<Sender<String>>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

/// What is told.
#[derive(Serialize)]
struct Call<'a> {
    r#type: &'static str,
    pool: &'a PoolName,
    threshold: u64,
    left: u64,
    project: &'a str,
    timestamp: Timestamp,
}

impl Webhook {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the system gives none.
    pub(super) fn start(config: WebhookConfig, project: &str) -> Result<Webhook> {
        let (calls, queue) = channel();
        let (end, ended) = oneshot::channel();
        let builder = thread::Builder::new().name("webhook".to_owned());
        builder
            .spawn(move || {
                call_all(&config, &queue);
                // Whoever started it may be gone.
                let _ = end.send(());
            })
            .map_err(|error| Error::new(ErrorKind::Io, "cannot start the webhook's thread").with_source(error))?;
        Ok(Webhook { project: project.to_owned(), calls: Mutex::new(Some(calls)), ended: Mutex::new(Some(ended)) })
    }

    /// Waits for what is not told yet, for a while.
    pub(super) async fn end(&self) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(ended) = ended else { return };
        if tokio::time::timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!("the webhook of low stock does not listen; it was not told of everything");
        }
    }
}

impl LowStockListener for Webhook {
    fn hear(&self, low: &LowStock) {
        let LowStock { pool, threshold, left } = low;
        let (threshold, left, timestamp) = (*threshold, *left, Timestamp::now());
        let call = Call { r#type: "low_stock", pool, threshold, left, project: &self.project, timestamp };
        let Ok(body) = serde_json::to_string(&call) else { return };
        if let Some(calls) = &*self.calls.lock().unwrap_or_else(PoisonError::into_inner) {
            // The thread ends only when this sender does.
            let _ = calls.send(body);
        }
    }
}

fn call_all(config: &WebhookConfig, queue: &Receiver<String>) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0).build().into();
    let key = hmac::Key::new(hmac::HMAC_SHA256, config.secret.as_bytes());
    for body in queue {
        let signature = signature(&key, &body);
        let call = || {
            let request = agent.post(&config.webhook).header("Content-Type", "application/json");
            request.header(SIGNATURE, &signature).send(body.as_str()).map(|_| ())
        };
        let mut pauses = PAUSES.into_iter();
        while let Err(error) = call() {
            let Some(pause) = pauses.next() else {
                tracing::warn!(reason = reason(&error), "the webhook of low stock could not be told");
                break;
            };
            thread::sleep(pause);
        }
    }
}

fn signature(key: &hmac::Key, body: &str) -> String {
    let tag = hmac::sign(key, body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

/// What went wrong, without the URL, which may hold a password.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(code) => format!("it answers {code}"),
        ureq::Error::Timeout(_) => "it takes too long".to_owned(),
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        _ => "it cannot be reached".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leaves_the_machine() {
        let check = |webhook: &str, secret: &str| {
            WebhookConfig { webhook: webhook.to_owned(), secret: secret.to_owned() }
                .check()
                .map_err(|error| error.to_string())
        };
        for url in ["https://example.com/hook", "http://localhost:8080/x", "http://127.0.0.1:1", "http://[::1]:80/"] {
            assert_eq!(check(url, "s"), Ok(()), "{url}");
        }
        for url in ["http://example.com", "http://localhost.example.com/", "https://", "ftp://a", "", "example.com"] {
            assert_eq!(check(url, "s"), Err("tearoff.toml: low_stock.webhook is no https URL".to_owned()), "{url}");
        }
        assert_eq!(check("https://a", ""), Err("tearoff.toml: low_stock.secret is empty".to_owned()));
    }

    /// The example of RFC 4231, section 4.3.
    #[test]
    fn a_signature_is_an_hmac() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature(&key, "what do ya want for nothing?"), expected);
    }
}
