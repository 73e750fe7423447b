//! How connections are made.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline,
    RedisConnectionInfo, RedisFuture, TlsCertificates, Value,
};
use tokio::time::timeout;

use super::sentinel;
use crate::error::{Error, ErrorKind, Result};
use crate::store::redis::fault::Fault;
use crate::store::redis::options::RedisOptions;
use crate::store::redis::target::{Credentials, Layout, Node, RedisUrl};

/// A connection that callers may use at the same time.
#[derive(Clone)]
pub(super) enum Connection {
    /// To one server.
    Server(MultiplexedConnection, Node),
    /// To the nodes of a Cluster.
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Connection::Server(server, _) => server.req_packed_command(command),
            Connection::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Connection::Server(server, _) => server.req_packed_commands(pipeline, offset, count),
            Connection::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Connection::Server(server, _) => server.get_db(),
            Connection::Cluster(cluster) => cluster.get_db(),
        }
    }
}

/// Makes connections to the store at a URL.
#[derive(Clone)]
pub(super) struct Dialer {
    url: RedisUrl,
    certificates: TlsCertificates,
    connect_time: Duration,
    response_time: Duration,
}

impl Dialer {
    pub(super) fn new(url: RedisUrl, options: &RedisOptions) -> Result<Dialer> {
        if url.tls {
            // Whoever has chosen another one before has the say.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Ok(Dialer {
            certificates: TlsCertificates { client_tls: None, root_cert: trusted_certificates(&url, options)? },
            url,
            connect_time: options.patience.min(Duration::from_secs(2)),
            response_time: (options.patience / 3).clamp(Duration::from_millis(200), Duration::from_secs(5)),
        })
    }

    /// How long an answer may take before it counts as lost.
    pub(super) fn response_time(&self) -> Duration {
        self.response_time
    }

    /// Makes a connection to whoever is the master, or the masters, now.
    pub(super) async fn connect(&self) -> Result<Connection, Fault> {
        match &self.url.layout {
            Layout::Single => {
                let server = &self.url.nodes[0];
                Ok(Connection::Server(self.server(server, self.url.credentials.as_ref()).await?, server.clone()))
            }
            Layout::Cluster => self.cluster().await.map(Connection::Cluster),
            Layout::Sentinel(name) => sentinel::master(self, &self.url.nodes, name).await,
        }
    }

    /// Connects to a server of the store, if it is the master.
    pub(super) async fn master(&self, address: Node) -> Result<Connection, Fault> {
        let verified = async {
            let mut server = self.server(&address, self.url.credentials.as_ref()).await?;
            let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut server).await?;
            let is_master = matches!(role.first(), Some(Value::BulkString(role)) if role == b"master");
            if is_master { Ok(server) } else { Err(Fault::NotMaster) }
        };
        let server = timeout(self.connect_time, verified).await.unwrap_or(Err(Fault::Late))?;
        Ok(Connection::Server(server, address))
    }

    /// Connects to a sentinel. Most of them ask for no password, and would refuse one.
    pub(super) async fn sentinel(&self, address: &Node, with_password: bool) -> Result<MultiplexedConnection, Fault> {
        let credentials = self.url.credentials.as_ref().filter(|_| with_password);
        let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        self.dial(address, with_credentials(settings, credentials)).await
    }

    async fn server(&self, address: &Node, credentials: Option<&Credentials>) -> Result<MultiplexedConnection, Fault> {
        let settings = RedisConnectionInfo::default().set_db(self.url.database).set_skip_set_lib_name();
        self.dial(address, with_credentials(settings, credentials)).await
    }

    async fn dial(&self, address: &Node, settings: RedisConnectionInfo) -> Result<MultiplexedConnection, Fault> {
        let info = self.info(address)?.set_redis_settings(settings);
        let client = match self.url.tls {
            true => Client::build_with_tls(info, self.certificates.clone())?,
            false => Client::open(info)?,
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_time))
            .set_response_timeout(Some(self.response_time));
        Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    fn info(&self, Node { host, port }: &Node) -> Result<ConnectionInfo, Fault> {
        let address = match self.url.tls {
            true => ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host.clone(), *port),
        };
        Ok(address.into_connection_info()?.set_tcp_settings(tcp_settings()))
    }

    async fn cluster(&self) -> Result<ClusterConnection, Fault> {
        match timeout(self.connect_time * 2, self.cluster_client()?.get_async_connection()).await {
            Ok(Ok(cluster)) => Ok(cluster),
            Ok(Err(error)) => Err(self.seed_fault().await.unwrap_or(error.into())),
            Err(_) => Err(Fault::Late),
        }
    }

    /// A few repetitions only, and soon: those who wait longer do so here, and with a new connection.
    fn cluster_client(&self) -> Result<ClusterClient, Fault> {
        let nodes = self.url.nodes.iter().map(|node| self.info(node)).collect::<Result<Vec<_>, Fault>>()?;
        let mut builder = ClusterClientBuilder::new(nodes)
            .retries(3)
            .min_retry_wait(20)
            .max_retry_wait(200)
            .connection_timeout(self.connect_time / 2)
            .response_timeout(self.response_time)
            .overall_response_timeout(Some(self.response_time))
            .tcp_settings(tcp_settings());
        if self.url.tls {
            builder = builder.certs(self.certificates.clone());
        }
        if let Some(Credentials { user, password }) = &self.url.credentials {
            builder = builder.password(password);
            if let Some(user) = user {
                builder = builder.username(user);
            }
        }
        Ok(builder.build()?)
    }

    /// What is wrong with the Cluster's nodes, which the library does not tell when it can use none of them.
    async fn seed_fault(&self) -> Option<Fault> {
        for node in &self.url.nodes {
            let asked = async {
                let mut server = self.server(node, self.url.credentials.as_ref()).await?;
                redis::cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut server).await.map_err(Fault::from)
            };
            if let Ok(Err(fault)) = timeout(self.connect_time, asked).await {
                return Some(fault);
            }
        }
        None
    }
}

fn with_credentials(settings: RedisConnectionInfo, credentials: Option<&Credentials>) -> RedisConnectionInfo {
    match credentials {
        Some(Credentials { user: Some(user), password }) => settings.set_username(user).set_password(password),
        Some(Credentials { user: None, password }) => settings.set_password(password),
        None => settings,
    }
}

/// A peer that vanished without a word is noticed within seconds, even when nobody asks anything.
fn tcp_settings() -> TcpSettings {
    let interval = Duration::from_secs(5);
    let keepalive = TcpKeepalive::new().with_time(interval).with_interval(interval).with_retries(3);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(10));
    settings
}

/// What is in the CA file.
fn trusted_certificates(url: &RedisUrl, options: &RedisOptions) -> Result<Option<Vec<u8>>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let Some(path) = &options.ca_file else { return Ok(None) };
    let wrong = |what: String| Error::new(ErrorKind::InvalidInput, what);
    if !url.tls {
        return Err(
            wrong(format!("a CA file is given, but {url} is not encrypted")).with_help("write 'rediss' in the URL")
        );
    }
    let shown = path.display();
    let text =
        std::fs::read(path).map_err(|error| wrong(format!("cannot read the CA file '{shown}'")).with_source(error))?;
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    let mut trusted = rustls::RootCertStore::empty();
    if certificates.is_empty() || certificates.into_iter().any(|certificate| trusted.add(certificate).is_err()) {
        return Err(wrong(format!("the CA file '{shown}' holds no certificate, or a broken one"))
            .with_help("give certificates in PEM form: '-----BEGIN CERTIFICATE-----' and so on"));
    }
    Ok(Some(text))
}
