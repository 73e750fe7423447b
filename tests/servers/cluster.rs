//! A Redis Cluster.

use std::time::{Duration, Instant};

use super::{Server, Settings, free_port, until};

const MASTERS: usize = 3;
const SLOTS: usize = 16_384;

/// Three masters, and a replica of each if wanted.
pub(crate) struct Cluster {
    /// The masters as they were at first, then their replicas in the same order.
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    /// Three masters that share the slots.
    pub(crate) fn of_masters() -> Cluster {
        Cluster::of(MASTERS)
    }

    /// Three masters with a replica each.
    pub(crate) fn with_replicas() -> Cluster {
        let cluster = Cluster::of(2 * MASTERS);
        for (master, replica) in cluster.nodes[..MASTERS].iter().zip(&cluster.nodes[MASTERS..]) {
            replica.command::<()>(&["CLUSTER", "REPLICATE", &id(master)]);
        }
        cluster.wait_for_replicas();
        cluster
    }

    fn of(count: usize) -> Cluster {
        let cluster = Cluster { nodes: (0..count).map(|_| node()).collect() };
        for (number, node) in cluster.nodes.iter().enumerate() {
            node.command::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            if number < MASTERS {
                let (first, behind) = (SLOTS * number / MASTERS, SLOTS * (number + 1) / MASTERS);
                let range = [first.to_string(), (behind - 1).to_string()];
                node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]]);
            }
        }
        for node in &cluster.nodes[1..] {
            let (port, bus) =
                (node.port().to_string(), node.command::<[String; 2]>(&["CONFIG", "GET", "cluster-port"]));
            cluster.nodes[0].command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus[1]]);
        }
        cluster.wait_until_ok();
        cluster
    }

    /// The store URL.
    pub(crate) fn url(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(Server::address).collect();
        format!("redis+cluster://{}", addresses.join(","))
    }

    /// Waits until every running node knows all nodes and finds all slots served.
    pub(crate) fn wait_until_ok(&self) {
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        until("the Cluster is complete", || {
            let ok = |node: &Server| {
                let info: String = node.try_command(&["CLUSTER", "INFO"]).unwrap_or_default();
                ["cluster_state:ok", "cluster_slots_ok:16384", &known].iter().all(|fact| info.contains(fact))
            };
            self.nodes.iter().filter(|node| !node.has_ended()).all(ok).then_some(())
        });
    }

    /// Waits until every master has a replica that keeps up.
    pub(crate) fn wait_for_replicas(&self) {
        until("every master of the Cluster has its replica", || {
            let (masters, replicas): (Vec<_>, Vec<_>) = self.nodes.iter().partition(|node| is_master(node));
            let served = masters.iter().all(|node| node.info("connected_slaves").as_deref() == Some("1"));
            let linked = replicas.iter().all(|node| node.info("master_link_status").as_deref() == Some("up"));
            (masters.len() == MASTERS && served && linked).then_some(())
        });
        self.wait_until_ok();
    }

    /// The slot of a key.
    pub(crate) fn slot_of(&self, key: &str) -> u16 {
        self.nodes[0].command(&["CLUSTER", "KEYSLOT", key])
    }

    /// Hands a slot back to its replica. A master does not vote for a second time within twice the time that nodes give each
    /// other, and an attempt without enough votes is given up after five seconds: it is asked for until it succeeds.
    pub(crate) fn hand_over(&self, slot: u16, node: &Server) {
        let (mut asked, patience) = (None::<Instant>, Duration::from_secs(6));
        until("the replica takes the slot over", || {
            if self.owner(slot).port() == node.port() {
                return Some(());
            }
            if asked.is_none_or(|asked| asked.elapsed() > patience) {
                // One that has taken over meanwhile refuses.
                let _ = node.try_command::<()>(&["CLUSTER", "FAILOVER"]);
                asked = Some(Instant::now());
            }
            None
        });
    }

    /// Waits until this node serves a slot.
    pub(crate) fn wait_for_owner(&self, slot: u16, node: &Server) {
        until("another node serves the slot", || (self.owner(slot).port() == node.port()).then_some(()));
    }

    /// The running master that serves a slot in its own eyes.
    pub(crate) fn owner(&self, slot: u16) -> &Server {
        until("somebody serves the slot", || {
            self.nodes.iter().filter(|node| !node.has_ended()).find(|node| is_master(node) && serves(node, slot))
        })
    }

    /// Tells both masters that a slot is about to move; gives the one that it is on.
    pub(crate) fn begin_to_move(&self, slot: u16, to: &Server) -> &Server {
        let (from, number) = (self.owner(slot), slot.to_string());
        to.command::<()>(&["CLUSTER", "SETSLOT", &number, "IMPORTING", &id(from)]);
        from.command::<()>(&["CLUSTER", "SETSLOT", &number, "MIGRATING", &id(to)]);
        from
    }

    /// Moves a slot to another master while it is used, the way `redis-cli --cluster reshard` does.
    pub(crate) fn move_slot(&self, slot: u16, to: &Server) {
        let (from, number) = (self.begin_to_move(slot, to), slot.to_string());
        loop {
            let keys: Vec<String> = from.command(&["CLUSTER", "GETKEYSINSLOT", &number, "10"]);
            if keys.is_empty() {
                break;
            }
            for key in keys {
                let port = to.port().to_string();
                // On a busy machine the nodes may lose sight of each other for a moment.
                until("a key of the slot moves", || {
                    from.try_command::<()>(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]).ok()
                });
            }
        }
        for node in [to, from] {
            node.command::<()>(&["CLUSTER", "SETSLOT", &number, "NODE", &id(to)]);
        }
    }
}

fn node() -> Server {
    let settings = Settings::default()
        .set("cluster-enabled", "yes")
        .set("cluster-port", &free_port().to_string())
        .set("cluster-node-timeout", "1500")
        .set("cluster-replica-validity-factor", "0");
    Server::with(&settings)
}

fn id(node: &Server) -> String {
    node.command(&["CLUSTER", "MYID"])
}

/// Whether a node serves a slot in its own eyes.
fn serves(node: &Server, slot: u16) -> bool {
    let Ok(nodes) = node.try_command::<String>(&["CLUSTER", "NODES"]) else { return false };
    let Some(own) = nodes.lines().find(|line| line.contains("myself")) else { return false };
    own.split_whitespace().skip(8).filter(|range| !range.starts_with('[')).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        (first.parse().unwrap()..=last.parse().unwrap()).contains(&slot)
    })
}

fn is_master(node: &Server) -> bool {
    node.info("role").as_deref() == Some("master")
}
