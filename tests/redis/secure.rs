//! Encrypted connections, passwords and databases, as a user of the program meets them.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::servers::{Certificates, Server, Settings, free_port};
use crate::workshop::{Ran, Workshop};

/// A user and a password that a URL cannot hold as they are, and how it holds them.
const USER: (&str, &str) = ("ada@shop:1", "ada%40shop%3A1");
const PASSWORD: (&str, &str) = ("p@ss/w:rd%?#7261", "p%40ss%2Fw%3Ard%25%3F%237261");

/// `pool list` in a folder, on the store at `url`. Whatever it says, it does not say the password.
#[track_caller]
fn list(workshop: &Workshop, url: &str, more: &[&str]) -> Ran {
    let began = Instant::now();
    let ran = workshop.run(&[&["-vv", "--store", url, "pool", "list", "--json"], more].concat());
    assert!(began.elapsed() < Duration::from_secs(15), "{url} took {:?}", began.elapsed());
    let all = format!("{}{}", String::from_utf8_lossy(&ran.0.stdout), ran.errors());
    assert!(!all.contains("7261"), "{all}");
    ran
}

/// A server that speaks TLS only and asks for a password.
fn encrypted(certificates: &Certificates) -> Server {
    let server = Server::with(&Settings::default().set("bind", "127.0.0.1 127.0.0.2").tls(certificates));
    server.command::<()>(&["ACL", "SETUSER", USER.0, "on", &format!(">{}", PASSWORD.0), "~*", "+@all"]);
    server.command::<()>(&["ACL", "SETUSER", "default", "off"]);
    server
}

fn url(host: &str, server: &Server) -> String {
    format!("rediss://{}:{}@{host}:{}", USER.1, PASSWORD.1, server.port())
}

#[test]
fn an_encrypted_server_is_used_with_its_ca_file() {
    let certificates = Certificates::new();
    let (server, workshop) = (encrypted(&certificates), Workshop::new(20, 20));
    let url = url("127.0.0.1", &server);
    list(&workshop, &url, &["--ca-file", certificates.authority().to_str().unwrap()]).exits(0);
    std::fs::copy(certificates.authority(), workshop.path("ca.pem")).unwrap();
    workshop.write("tearoff.toml", &format!("store = \"{url}\"\nca_file = \"ca.pem\"\n"));
    workshop.send(&[]).exits(0);
    workshop.check_all_served(20, 20);
    workshop.run(&["doctor"]).exits(0);
}

#[test]
fn an_encrypted_cluster_is_used_with_its_ca_file() {
    let certificates = Certificates::new();
    let settings = Settings::default().set("cluster-enabled", "yes").set("cluster-port", &free_port().to_string());
    let node = Server::with(&settings.set("tls-cluster", "yes").tls(&certificates));
    node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let url = format!("rediss+cluster://{}", node.address());
    crate::servers::until("the Cluster serves its slots", || {
        node.command::<String>(&["CLUSTER", "INFO"]).contains("cluster_state:ok").then_some(())
    });
    let workshop = Workshop::new(1, 1);
    list(&workshop, &url, &["--ca-file", certificates.authority().to_str().unwrap()]).exits(0);
    list(&workshop, &url, &[]).exits(7).says("--ca-file");
}

#[test]
fn a_certificate_that_cannot_be_trusted_is_told_with_its_reason() {
    let (certificates, others, expired) = (Certificates::new(), Certificates::new(), Certificates::expired());
    let (server, late) = (encrypted(&certificates), encrypted(&expired));
    let workshop = Workshop::new(1, 1);
    let try_with = |url: &str, certificates: &Certificates| {
        list(&workshop, url, &["--ca-file", certificates.authority().to_str().unwrap()]).exits(7).says("certificate")
    };
    list(&workshop, &url("127.0.0.1", &server), &[]).exits(7).says("certificate").says("--ca-file");
    try_with(&url("127.0.0.1", &server), &others).says("--ca-file");
    try_with(&url("127.0.0.2", &server), &certificates).says("another name").says("URL");
    try_with(&url("127.0.0.1", &late), &expired).says("has expired").says("renew");
    let ran = list(&workshop, &url("127.0.0.1", &server), &["--ca-file", "missing.pem"]).exits(7);
    ran.says("cannot read the CA file 'missing.pem'");
}

#[test]
fn a_mix_of_plain_and_encrypted_is_told() {
    let certificates = Certificates::new();
    let (plain, server, workshop) = (Server::start(), encrypted(&certificates), Workshop::new(1, 1));
    list(&workshop, &url("127.0.0.1", &plain), &[]).exits(5).says("cannot be reached");
    let plain_url = url("127.0.0.1", &server).replace("rediss", "redis");
    list(&workshop, &plain_url, &[]).exits(5).says("cannot be reached");
}

#[test]
fn a_wrong_user_or_password_is_told() {
    let certificates = Certificates::new();
    let (server, workshop) = (encrypted(&certificates), Workshop::new(1, 1));
    let ca = certificates.authority();
    for wrong in [
        url("127.0.0.1", &server).replace("ada", "eve"),
        url("127.0.0.1", &server).replace("p%40ss", "pass"),
        format!("rediss://{}", server.address()),
    ] {
        list(&workshop, &wrong, &["--ca-file", ca.to_str().unwrap()]).exits(7).says("user and password");
    }
}

#[test]
fn databases_keep_things_apart() {
    let (server, workshop) = (Server::start(), Workshop::new(10, 10));
    let url = |database: &str| format!("{}{database}", server.url());
    workshop.run(&["--store", &url("/3"), "pool", "import", "spring", "codes.csv"]).exits(0);
    workshop.run(&["--store", &url("/4"), "pool", "import", "spring", "codes.csv"]).exits(0);
    let count = |database: &str| workshop.json(&["--store", &url(database), "pool", "list", "--json"]);
    assert_eq!((count("/3")[0]["total"].clone(), count("/4")[0]["total"].clone()), (json!(10), json!(10)));
    assert_eq!((count(""), count("/0")), (json!([]), json!([])));
    list(&workshop, &url("/99"), &[]).exits(7).says("database");
}
