//! What `tearoff bench` compares with does what it says.

use std::collections::BTreeSet;

use tearoff::ErrorKind;
use tearoff::store::NaiveRedis;

use crate::servers::Server;

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn message(number: usize) -> (String, String) {
    (format!("spring/c{number}"), format!("c{number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_for_one_message_gives_each_its_own_code_and_a_retry_the_same() {
    let server = Server::start();
    let redis = NaiveRedis::connect(&server.url(), "naive").await.unwrap();
    redis.load_script().await.unwrap();
    redis.fill_list(&texts(&["A", "B", "C"])).await.unwrap();
    let messages = [message(1), message(2), message(3)];
    let codes = redis.claim_by_script("spring", &messages).await.unwrap();
    assert_eq!(codes, ["A", "B", "C"]);
    assert_eq!(redis.claim_by_script("spring", &messages).await.unwrap(), codes);
    let found: Vec<String> = server.command(&["HMGET", "naive:code:B", "state", "customer", "campaign"]);
    assert_eq!(found, ["assigned", "c2", "spring"]);
    assert_eq!(server.command::<Vec<String>>(&["SMEMBERS", "naive:customer:c2"]), ["B"]);
    assert_eq!(server.command::<usize>(&["XLEN", "naive:journal"]), 3);
    let error = redis.claim_by_script("spring", &[message(4)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_set_gives_each_code_once() {
    let server = Server::start();
    let redis = NaiveRedis::connect(&server.url(), "naive").await.unwrap();
    redis.import(&texts(&["A", "B", "C"])).await.unwrap();
    let mut codes = BTreeSet::new();
    codes.insert(redis.claim("m1").await.unwrap());
    assert_eq!(server.command::<Option<String>>(&["HGET", "naive:claims", "m1"]), codes.first().cloned());
    redis.assign("spring", &texts(&["c2"])).await.unwrap();
    codes.insert(redis.claim("m3").await.unwrap());
    assert_eq!(codes.len(), 2);
    let states: Vec<String> =
        ["A", "B", "C"].map(|code| server.command(&["HGET", &format!("naive:code:{code}"), "state"])).into();
    assert_eq!(states.iter().filter(|state| *state == "assigned").count(), 1);
    assert_eq!(redis.claim("m4").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(redis.info("used_memory").await.unwrap() > 0.0);
    redis.remove_everything().await.unwrap();
    assert_eq!(server.command::<usize>(&["DBSIZE"]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unavailable() {
    let error = NaiveRedis::connect("redis://127.0.0.1:1", "naive").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
}
