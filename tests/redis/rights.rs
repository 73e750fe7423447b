//! The least that the program's user must be allowed: as `docs/REDIS.md` says, and not one command more.

use std::time::Duration;

use tearoff::ErrorKind;
use tearoff::store::RedisOptions;
use tearoff::voucher::Lookup;

use crate::servers::{Cluster, Sentinel, Server};
use crate::tour::Tour;

const DOCUMENT: &str = include_str!("../../docs/REDIS.md");

/// The words behind `ACL SETUSER` in the document.
fn documented() -> Vec<String> {
    let mut blocks = DOCUMENT.split("```").skip(1).step_by(2);
    let rule = blocks.find_map(|block| block.split_once("ACL SETUSER ")).expect("a block with the rule").1;
    rule.split_whitespace().map(str::to_owned).collect()
}

/// What the document adds for a set-up.
fn added(set_up: &str) -> Vec<String> {
    let items = DOCUMENT.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(": "));
    let commands =
        items.into_iter().find_map(|(name, commands)| (name.trim_matches('`') == set_up).then_some(commands));
    commands.expect("an item of the list").trim_matches('`').split_whitespace().map(str::to_owned).collect()
}

/// The rule for a set-up.
fn rule(set_ups: &[&str]) -> Vec<String> {
    set_ups.iter().fold(documented(), |rule, set_up| [rule, added(set_up)].concat())
}

fn allow(server: &Server, rule: &[String]) {
    let words: Vec<&str> = ["ACL", "SETUSER"].into_iter().chain(rule.iter().map(String::as_str)).collect();
    server.command::<()>(&words);
}

fn allow_on<'a>(servers: impl IntoIterator<Item = &'a Server>, rule: &[String]) {
    servers.into_iter().for_each(|server| allow(server, rule));
}

/// The same URL for the program's user.
fn as_user(url: &str) -> String {
    url.replacen("://", "://tearoff:secret@", 1)
}

/// As soon as any of `commands` is left out of `rule`, something that the program does with a store ends with an error.
async fn needs_each(servers: &[&Server], url: &str, options: &RedisOptions, rule: &[String], commands: &[String]) {
    for left_out in commands {
        let less: Vec<String> = rule.iter().filter(|word| *word != left_out).cloned().collect();
        for server in servers {
            server.command::<()>(&["FLUSHALL"]);
            server.command::<()>(&["SCRIPT", "FLUSH"]);
        }
        allow_on(servers.iter().copied(), &less);
        let ended = Tour::take(url, options.clone(), "default").await;
        let error = ended.expect_err(&format!("{left_out} is not needed"));
        let help = error.help().unwrap();
        let is_told = help.contains("ACL SETUSER") || help.contains("rights") || help.contains("allow the user");
        assert!(
            is_told && matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Refused),
            "{left_out}: {error:?}"
        );
    }
}

fn commands(rule: &[String]) -> Vec<String> {
    rule.iter().filter(|word| word.starts_with('+')).cloned().collect()
}

#[tokio::test]
async fn the_documented_rights_are_enough_and_the_least_on_a_single_server() {
    let server = Server::start();
    let (rule, url) = (rule(&[]), as_user(&server.url()));
    allow(&server, &rule);
    Tour::take(&url, RedisOptions::default(), "default").await.unwrap();
    needs_each(&[&server], &url, &RedisOptions::default(), &rule, &commands(&rule)).await;
}

#[tokio::test]
async fn another_database_needs_one_command_more() {
    let server = Server::start();
    let (set_up, url) = (["a database other than 0"], format!("{}/3", as_user(&server.url())));
    allow(&server, &rule(&set_up));
    Tour::take(&url, RedisOptions::default(), "default").await.unwrap();
    needs_each(&[&server], &url, &RedisOptions::default(), &rule(&set_up), &added(set_up[0])).await;
}

#[tokio::test]
async fn the_documented_rights_are_enough_and_the_least_under_sentinel() {
    let set = Sentinel::start();
    let (set_ups, url) = (["--replicas", "Sentinel"], as_user(&set.url()));
    let options = RedisOptions::default().replicas(1);
    allow_on(&set.servers, &rule(&set_ups));
    Tour::take(&url, options.clone(), "default").await.unwrap();
    let added: Vec<String> = set_ups.iter().flat_map(|set_up| added(set_up)).collect();
    needs_each(&[set.master()], &url, &options, &rule(&set_ups), &added).await;
}

#[tokio::test]
async fn the_documented_rights_are_enough_and_the_least_on_a_cluster() {
    let cluster = Cluster::of_masters();
    let (set_up, url) = (["a Cluster"], as_user(&cluster.url()));
    allow_on(&cluster.nodes, &rule(&set_up));
    Tour::take(&url, RedisOptions::default(), "default").await.unwrap();
    let nodes: Vec<&Server> = cluster.nodes.iter().collect();
    let added = added(set_up[0]);
    let (while_moving, always): (Vec<_>, Vec<_>) = added.into_iter().partition(|command| command == "+asking");
    assert_eq!(while_moving.len(), 1);
    needs_each(&nodes, &url, &RedisOptions::default(), &rule(&set_up), &always).await;
}

/// While a slot moves, what is new in it lies on the other node already.
#[tokio::test(flavor = "multi_thread")]
async fn a_moving_slot_needs_asking() {
    let cluster = Cluster::of_masters();
    let rule = rule(&["a Cluster"]);
    let slot = cluster.slot_of("{default}");
    let to = cluster.nodes.iter().find(|node| node.port() != cluster.owner(slot).port()).unwrap();
    cluster.begin_to_move(slot, to);
    let url = as_user(&cluster.url());
    for (rule, is_enough) in
        [(rule.clone(), true), (rule.into_iter().filter(|word| word != "+asking").collect(), false)]
    {
        allow_on(&cluster.nodes, &rule);
        let options = RedisOptions::default().patience(Duration::from_secs(2));
        let store = options.open(&url, "default").await.unwrap();
        assert_eq!(store.pools().await.is_ok(), is_enough);
    }
}

/// The program's user can neither harm nor read what is somebody else's.
#[test]
fn everything_else_is_refused() {
    let server = Server::start();
    allow(&server, &rule(&[]));
    server.command::<()>(&["SET", "other", "1"]);
    let client = redis::Client::open(as_user(&server.url())).unwrap();
    let mut connection = client.get_connection().unwrap();
    for words in [
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "SCAN 0",
        "RANDOMKEY",
        "CONFIG SET appendonly no",
        "SHUTDOWN",
        "ACL LIST",
        "CLIENT LIST",
        "SCRIPT FLUSH",
        "MONITOR",
        "SAVE",
        "PUBLISH a b",
        "HGETALL other",
        "UNLINK other",
        "EVAL redis.call('HSET','other','a','b') 0",
    ] {
        let error = redis::cmd(words.split(' ').next().unwrap())
            .arg(words.split(' ').skip(1).collect::<Vec<_>>())
            .query::<redis::Value>(&mut connection)
            .expect_err(words);
        assert!(error.to_string().contains("permission") || error.to_string().contains("can't"), "{words}: {error}");
    }
}

#[tokio::test]
async fn a_user_of_one_project_sees_no_other() {
    let server = Server::start();
    let keys = "~tearoff:{shop}:* ~tearoff:{shop:*";
    assert!(DOCUMENT.contains(&format!("`{keys}`")));
    let is_key = |word: &String| word.starts_with('~');
    let rule: Vec<String> = rule(&[]).into_iter().filter(|word| !is_key(word)).collect();
    allow(&server, &[rule, keys.split(' ').map(str::to_owned).collect()].concat());
    Tour::take(&as_user(&server.url()), RedisOptions::default(), "shop").await.unwrap();
    let refused = Tour::take(&as_user(&server.url()), RedisOptions::default(), "shopping").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
}
