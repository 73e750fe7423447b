//! Handing an e-mail to a mail server, and telling why it does not take it.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::invalid;
use super::server::{Encryption, MailServer};
use crate::error::{Error, ErrorKind, Result};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How long one step of the conversation may take.
const STEP: Duration = Duration::from_secs(20);
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Said wherever a delivery fails: by then the codes are assigned.
const AGAIN: &str = "its codes stay assigned, and a repeat under the same message id sends the same ones";

/// Sends an e-mail.
pub(super) async fn send(server: &MailServer, ca_file: Option<&Path>, mail: Message) -> Result<()> {
    let transport = transport(server, ca_file)?;
    match tokio::time::timeout(PATIENCE, transport.send(mail)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refusal(server, error)),
        Err(_) => Err(failed(format!("{server} takes longer than {} seconds", PATIENCE.as_secs()), "try again later")),
    }
}

/// The way to a server. Nothing is sent yet, but what is set up wrongly shows.
pub(super) fn transport(server: &MailServer, ca_file: Option<&Path>) -> Result<Transport> {
    let tls = match server.encryption {
        Encryption::None => Tls::None,
        Encryption::Always => Tls::Wrapper(trust(server, ca_file)?),
        Encryption::Required => Tls::Required(trust(server, ca_file)?),
        Encryption::Opportunistic => Tls::Opportunistic(trust(server, ca_file)?),
    };
    let builder = Transport::builder_dangerous(&server.host).port(server.port).tls(tls).timeout(Some(STEP));
    Ok(match server.credentials.clone() {
        Some((user, password)) => builder.credentials(Credentials::new(user, password)).build(),
        None => builder.build(),
    })
}

/// Whose certificates are believed.
fn trust(server: &MailServer, ca_file: Option<&Path>) -> Result<TlsParameters> {
    let unusable = |what: String| move |error| invalid(what).with_source(error);
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(path) = ca_file {
        let name = format!("{} (ca_file in the section [delivery] of tearoff.toml)", path.display());
        let pem = std::fs::read(path).map_err(|error| invalid(format!("cannot read {name}")).with_source(error))?;
        let certificate = Certificate::from_pem(&pem).map_err(unusable(format!("{name} has no certificates")))?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    parameters.build().map_err(unusable(format!("{server} cannot be spoken to over TLS")))
}

fn failed(message: impl Into<String>, help: &str) -> Error {
    Error::new(ErrorKind::Io, message).with_help(format!("{help}; {AGAIN}"))
}

/// Why an e-mail is not taken. What a server says is left out but for its numbers: it may repeat addresses and codes.
fn refusal(server: &MailServer, error: lettre::transport::smtp::Error) -> Error {
    if let Some(status) = error.status() {
        let reply = Reply { status: status.into(), enhanced: enhanced(&error) };
        return failed(format!("{server} refuses the test message ({reply})"), reply.remedy());
    }
    if error.is_response() {
        return failed(format!("{server} does not answer as a mail server does"), "check its address and port");
    }
    let help = match server.encryption {
        _ if error.is_client() => "see the cause; '?tls=none' sends without encryption where the server offers none",
        Encryption::Always => "check its address, its port and its certificate; 'smtp://' begins without encryption",
        Encryption::None => "check its address and port; 'smtps://' encrypts",
        _ => {
            "check its address, its port and its certificate; 'ca_file' in the section [delivery] of tearoff.toml names one to trust"
        }
    };
    failed(format!("{server} cannot be spoken to"), help).with_source(error)
}

/// The numbers of a refusal.
struct Reply {
    status: u16,
    /// Such as `5.1.1`, where the server says it.
    enhanced: Option<String>,
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.enhanced {
            Some(enhanced) => write!(f, "{} {enhanced}", self.status),
            None => write!(f, "{}", self.status),
        }
    }
}

impl Reply {
    fn remedy(&self) -> &'static str {
        let is_about = |subject: &str| self.enhanced.as_ref().is_some_and(|code| code[1..].starts_with(subject));
        match self.status {
            535 | 534 | 538 => "check the user and the password in its URL",
            530 => "give a user and a password in its URL, or '?tls=required'",
            400..500 => "it is busy or delays strangers; try again later",
            550..554 if is_about(".1.") || is_about(".2.") => "check the address: the server does not know or take it",
            550 | 551 | 553 => "check the address, and whether the server may be used to send to it",
            552 => "the message or the mailbox is too large",
            _ => "the server's log says why",
        }
    }
}

/// The status of RFC 3463 with which a reply begins.
fn enhanced(error: &lettre::transport::smtp::Error) -> Option<String> {
    let reply = error.source()?.to_string();
    let code = reply.split_whitespace().next()?;
    let parts: Vec<&str> = code.split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (parts.len() == 3 && parts.iter().all(is_number)).then(|| code.to_owned())
}
