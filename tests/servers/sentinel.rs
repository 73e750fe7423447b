//! Redis servers under Sentinel.

use super::{Server, Settings, until};

const MASTER: &str = "mymaster";
const SENTINELS: usize = 3;

/// A master and a replica, watched by three sentinels of which two must agree.
pub(crate) struct Sentinel {
    /// The servers: the first was the master at first.
    pub(crate) servers: [Server; 2],
    sentinels: Vec<Server>,
}

impl Sentinel {
    /// Starts them, and waits until everybody knows everybody.
    pub(crate) fn start() -> Sentinel {
        let master = Server::start();
        let address = format!("127.0.0.1 {}", master.port());
        let replica = Server::with(&Settings::default().set("replicaof", &address));
        let sentinels = (0..SENTINELS).map(|_| sentinel(&address)).collect();
        let set = Sentinel { servers: [master, replica], sentinels };
        set.wait_for_replica();
        set.wait_for_sentinels();
        set
    }

    /// The store URL.
    pub(crate) fn url(&self) -> String {
        let addresses: Vec<_> = self.sentinels.iter().map(Server::address).collect();
        format!("redis+sentinel://{}/{MASTER}", addresses.join(","))
    }

    /// The server that the sentinels call the master.
    pub(crate) fn master(&self) -> &Server {
        let port = until("the sentinels know a master", || {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
            self.sentinels[0].try_command::<Vec<String>>(&words).ok()?.get(1)?.parse::<u16>().ok()
        });
        self.servers.iter().find(|server| server.port() == port).expect("one of the two servers")
    }

    /// Waits until the sentinels call `server` the master, and it is one.
    pub(crate) fn wait_for_master(&self, server: &Server) {
        until("the sentinels make another server the master", || {
            (self.master().port() == server.port() && server.info("role").as_deref() == Some("master")).then_some(())
        });
    }

    /// Waits until the master has a replica that keeps up.
    pub(crate) fn wait_for_replica(&self) {
        until("the master has a replica", || {
            let linked = |server: &Server| server.info("master_link_status").as_deref() == Some("up");
            self.servers.iter().any(linked).then_some(())
        });
    }

    fn wait_for_sentinels(&self) {
        until("the sentinels know each other and the replica", || {
            let others = format!("sentinels={SENTINELS}");
            let knows = |sentinel: &Server| {
                let info = sentinel.info("master0").unwrap_or_default();
                ["status=ok", "slaves=1", &others].iter().all(|fact| info.contains(fact))
            };
            self.sentinels.iter().all(knows).then_some(())
        });
    }
}

fn sentinel(master: &str) -> Server {
    let settings = Settings::bare()
        .set("sentinel monitor", &format!("{MASTER} {master} 2"))
        .set("sentinel down-after-milliseconds", &format!("{MASTER} 1000"))
        .set("sentinel failover-timeout", &format!("{MASTER} 3000"))
        .flag("--sentinel");
    Server::with(&settings)
}
