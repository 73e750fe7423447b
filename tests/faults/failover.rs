//! Masters that fail over and slots that move, under load.

use std::time::Duration;

use tearoff::ErrorKind;
use tearoff::voucher::{Claimed, Kept, Lease, Settled, Shown};
use tokio::time::sleep;

use crate::claim::claim;
use crate::load::Load;
use crate::servers::{Cluster, Sentinel, Server, until};

/// Keys of the pools that all senders use.
const POOLS: [&str; 2] = ["tearoff:{default:spring}:pool", "tearoff:{default:extra}:pool"];

/// Cuts the replica off its master, and keeps it from coming back: what the master writes from now on, the replica does not
/// have.
fn cut_off(master: &Server, replica: &Server) {
    replica.command::<()>(&["CONFIG", "SET", "masteruser", "nobody"]);
    replica.command::<()>(&["CONFIG", "SET", "masterauth", "wrong"]);
    master.command::<()>(&["CLIENT", "KILL", "TYPE", "replica"]);
    until("the replica is cut off", || (replica.info("master_link_status")? == "down").then_some(()));
}

/// Fails on a build that does not wait for the replicas behind what it settles: the new master does not know the last codes
/// that were given, and gives them again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_under_sentinel_gives_no_code_twice() {
    let set = Sentinel::start();
    let [first, second] = &set.servers;
    let running = Load::on(set.url()).with(|options| options.replicas(1)).start().await;
    running.reach(0.3).await;
    cut_off(first, second);
    sleep(Duration::from_millis(500)).await;
    first.kill_9();
    set.wait_for_master(second);
    first.restart();
    let ended = running.check().await;
    assert!(ended.sink.retries() > 0, "no sender noticed");
}

/// The replica is connected and has nothing of it, however often the same is settled. Fails on a build that does not wait, and
/// on one that waits on another connection than the one that settled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_replica_does_not_have_does_not_count() {
    let set = Sentinel::start();
    let load = Load { codes: 10, messages: 0, ..Load::on(set.url()).with(|options| options.replicas(1)) };
    let store = load.open().await;
    load.start().await.finish().await;
    let (lease, ours) = (Lease::new(Lease::TIME), claim("order-1", "ada"));
    let Claimed::Bound(binding) = store.reserve(&lease, std::slice::from_ref(&ours)).await.unwrap().remove(0) else {
        panic!("a code was expected");
    };
    let shown = Shown { pool: ours.pool.clone(), key: ours.key().unwrap(), code: binding.voucher.code };
    let kept = [
        Kept { message: ours.message.clone(), shown: vec![shown] },
        Kept { message: claim("order-2", "bob").message, shown: vec![] },
    ];
    for _ in 0..8 {
        assert_eq!(store.settle(&Lease::new(Lease::TIME), &kept[1..]).await.unwrap(), [Settled::Accepted]);
    }
    // Once a second, a replica says what it has.
    sleep(Duration::from_millis(1_500)).await;
    set.servers[1].stop();
    for kept in [&kept[..], &kept[1..], &kept[..1]] {
        let error = store.settle(&lease, kept).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error}");
    }
    set.servers[1].go_on();
    assert_eq!(store.settle(&lease, &kept).await.unwrap(), [Settled::Accepted; 2]);
}

/// The master falls silent, is deposed, and wakes up as one that knows nothing of it: until the sentinels tell it, it answers
/// whoever still asks it. Fails on a build that does not wait for the replicas and keeps to the connection that it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_wakes_up_after_a_failover_gives_no_code_twice() {
    let set = Sentinel::start();
    let [first, second] = &set.servers;
    let running = Load::on(set.url()).with(|options| options.replicas(1)).start().await;
    running.reach(0.3).await;
    first.stop();
    set.wait_for_master(second);
    first.go_on();
    running.check().await;
}

/// The same with a Cluster: the master of a pool is killed, comes back as a replica, and is handed the pool again. Fails on
/// the same build.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_in_a_cluster_gives_no_code_twice() {
    let cluster = Cluster::with_replicas();
    let running = Load::on(cluster.url()).with(|options| options.replicas(1)).start().await;
    running.reach(0.3).await;
    let slot = cluster.slot_of(POOLS[0]);
    let (master, replica) = pair(&cluster, slot);
    cut_off(master, replica);
    sleep(Duration::from_millis(500)).await;
    master.kill_9();
    cluster.wait_for_owner(slot, replica);
    replica.command::<()>(&["CONFIG", "SET", "masteruser", ""]);
    replica.command::<()>(&["CONFIG", "SET", "masterauth", ""]);
    master.restart();
    cluster.wait_for_replicas();
    running.reach(0.6).await;
    cluster.hand_over(slot, master);
    running.check().await;
}

/// The master that serves a slot, and its replica.
fn pair(cluster: &Cluster, slot: u16) -> (&Server, &Server) {
    let master = cluster.owner(slot);
    let port = master.port().to_string();
    let mut replicas = cluster.nodes.iter().filter(|node| node.info("master_port").as_deref() == Some(&port));
    (master, replicas.next().expect("a replica"))
}

/// Both pools move from master to master. Fails on a build that takes `TRYAGAIN`, `ASK`, `MOVED` and `CLUSTERDOWN` for errors
/// that do not pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_under_load_lose_nothing() {
    let cluster = Cluster::of_masters();
    let running = Load::on(cluster.url()).with(|options| options.accept_loss(true)).start().await;
    let mut moved = 0;
    while !running.is_over() {
        let slot = cluster.slot_of(POOLS[moved % POOLS.len()]);
        let from = cluster.nodes.iter().position(|node| node.port() == cluster.owner(slot).port()).unwrap();
        cluster.move_slot(slot, &cluster.nodes[(from + 1) % cluster.nodes.len()]);
        moved += 1;
        sleep(Duration::from_millis(20)).await;
    }
    running.check().await;
    assert!(moved >= 4, "slots moved only {moved} times");
}
