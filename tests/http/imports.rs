//! Files of codes in the bodies of calls.

use std::io::{Read, Write};
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::service::{Running, Shop};

const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A service with a pool `vip` that has the code `TAKEN`, and an empty pool `spring`.
fn service() -> Running {
    let shop = Shop::new();
    shop.write("codes.txt", "TAKEN\n");
    shop.tearoff(&["pool", "import", "vip", "codes.txt"]);
    shop.tearoff(&["pool", "create", "spring"]);
    shop.serve()
}

fn import(service: &Running, content_type: &str, body: impl AsRef<[u8]>) -> serde_json::Value {
    let answer = service.send("/v1/pools/spring/import", content_type, body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn a_file_fills_a_pool_and_makes_it() {
    let service = service();
    let file = "code,discount\nA,10\nB,20\nA,30\nTAKEN,\n\"\",\n";
    let report = |added: u64, already: u64| {
        json!({"pool": "new", "read": 5, "added": added, "duplicates_in_source": 1, "already_in_pool": already,
            "in_other_pool": 1, "rejected": [{"line": 6, "reason": "the code is empty"}]})
    };
    for (added, already) in [(2, 0), (0, 2)] {
        let answer = service.send("/v1/pools/new/import", CSV, file);
        let mut told = answer.json();
        told.as_object_mut().unwrap().remove("import").unwrap();
        assert_eq!((answer.status, told), (200, report(added, already)));
    }
    let voucher = service.post("/v1/vouchers/lookup", &json!({"code": "A"})).json();
    assert_eq!(voucher["metadata"], json!({"discount": "10"}));
}

#[test]
fn what_is_assigned_stays_so_when_its_code_is_imported_again() {
    let service = service();
    import(&service, "text/plain", "A\nB\n");
    let assign = json!({"customer_id": "c42", "pool": "spring", "assignment_id": "welcome"});
    let code = service.post("/v1/customers/assign", &assign).json()["code"].clone();
    let before = service.pools();
    assert_eq!(import(&service, "text/plain", "A\nB\n")["already_in_pool"], 2);
    assert_eq!(service.pools(), before);
    assert_eq!(service.post("/v1/vouchers/lookup", &json!({ "code": code })).json()["state"], "assigned");
}

#[test]
fn every_format_is_read() {
    let service = service();
    assert_eq!(import(&service, "text/tab-separated-values; charset=utf-8", "code\tx\nT1\t1\n")["added"], 1);
    assert_eq!(import(&service, "text/plain", "P1\nP2\n")["added"], 2);
    assert_eq!(
        import(&service, "application/x-ndjson", "{\"code\": \"J1\", \"x\": 1}\n{\"code\": \"J2\"}\n")["added"],
        2
    );
    assert_eq!(import(&service, "TEXT/CSV", "\u{feff}code\r\nC1\r\n\r\n \u{a0}C2 \r\n")["added"], 2);
    let utf16: Vec<u8> = "\u{feff}code\nU1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(import(&service, CSV, utf16)["added"], 1);
    let workbook = std::fs::read("tests/workbooks/codes.xlsx").unwrap();
    assert_eq!(import(&service, XLSX, &workbook)["added"], 3);
    let summer = service.send("/v1/pools/summer/import?sheet=Summer", XLSX, &workbook);
    assert_eq!((summer.status, &summer.json()["added"]), (200, &json!(1)));
}

#[test]
fn parameters_say_how_a_file_is_read() {
    let service = service();
    let sent = |parameters: &str, content_type: &str, body: &[u8]| {
        service.send(&format!("/v1/pools/spring/import?{parameters}"), content_type, body)
    };
    assert_eq!(sent("column=key&delimiter=%3B", CSV, b"x;key\n1;K1\n").json()["added"], 1);
    assert_eq!(sent("delimiter=tab", CSV, b"code\tx\nK2\t1\n").json()["added"], 1);
    assert_eq!(sent("encoding=windows-1250", CSV, b"code\n\x8a1\n").json()["added"], 1);
    assert_eq!(sent("", "text/csv; charset=\"windows-1250\"", b"code\n\x8a2\n").json()["added"], 1);
    let codes = service.get("/v1/pools/spring/vouchers").json().to_string();
    assert!(codes.contains("\u{160}1") && codes.contains("\u{160}2"), "{codes}");
    let numbers = b"{\"code\": 123}\n";
    let refused = sent("", "application/x-ndjson", numbers).json();
    assert_eq!((&refused["added"], refused["rejected"].as_array().unwrap().len()), (&json!(0), 1));
    assert_eq!(sent("accept_numeric=true", "application/x-ndjson", numbers).json()["added"], 1);
    let before = service.pools();
    for parameters in ["colum=x", "delimiter=ab", "encoding=klingon", "accept_numeric=perhaps", "column=none"] {
        let answer = sent(parameters, CSV, b"code\nX1\n");
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid_input"), "{parameters}");
    }
    assert_eq!(service.pools(), before);
}

/// One line of 64 MiB, compressed a thousand times.
fn bomb() -> Vec<u8> {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    (0..64).for_each(|_| bomb.write_all(&[b'A'; 1 << 20]).unwrap());
    bomb.finish().unwrap()
}

#[test]
fn a_broken_file_changes_nothing_and_makes_no_pool() {
    let service = service();
    let before = service.pools();
    let long = format!("code\n{}\n", "A".repeat(17 << 20));
    let workbook = std::fs::read("tests/workbooks/codes.xlsx").unwrap();
    for (content_type, body) in [
        (CSV, &b""[..]),
        (CSV, b"first,second\nA,B\n"),
        (CSV, b"code,code\nA,B\n"),
        (CSV, b"code\nA\n\"never closed\n"),
        (CSV, b"code\nA\n\xff\xfe\x00broken"),
        (CSV, long.as_bytes()),
        ("application/x-ndjson", b"{\"code\": \"A\"}\n{\"code\": \n"),
        (XLSX, b"code\nA\n"),
        (XLSX, &workbook[..workbook.len() / 2]),
        (XLSX, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        (CSV, b"\x1f\x8b\x08\x00broken"),
        (CSV, &bomb()),
    ] {
        let answer = service.send("/v1/pools/new/import", content_type, body);
        assert_eq!(answer.status, 422, "{:?} {}", &body[..body.len().min(40)], answer.json());
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (422, "invalid_input"),
            "{:?}",
            &body[..body.len().min(40)]
        );
    }
    assert_eq!(service.pools(), before);
}

#[test]
fn another_type_or_a_compressed_body_is_refused() {
    let service = service();
    let before = service.pools();
    for headers in [
        &[("Content-Type", "application/octet-stream")][..],
        &[("Content-Type", "application/json")],
        &[],
        &[("Content-Type", CSV), ("Content-Encoding", "gzip")],
        &[("Content-Type", CSV), ("Content-Encoding", "identity, br")],
    ] {
        let answer = service.call("POST", "/v1/pools/spring/import", headers, b"code\nA\n");
        assert_eq!((answer.status, answer.problem().as_str()), (415, "unsupported_media_type"), "{headers:?}");
    }
    assert_eq!(service.pools(), before);
    let identity = [("Content-Type", CSV), ("Content-Encoding", "identity")];
    assert_eq!(service.call("POST", "/v1/pools/spring/import", &identity, b"code\nA\n").status, 200);
}

/// Sends bytes as they are, goes away or not, and reads what comes back until the service closes.
fn raw(service: &Running, request: &[u8], goes_away: bool) -> String {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.write_all(request).unwrap();
    if goes_away {
        stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_file_that_is_too_large_is_refused_announced_or_not() {
    let shop = Shop::new();
    shop.write("tearoff.toml", "[http]\nimport_bytes = 1000\n");
    let service = shop.serve();
    let before = service.pools();
    let file = format!("code\n{}", "A\n".repeat(600));
    let answer = service.send("/v1/pools/spring/import", CSV, &file);
    assert_eq!((answer.status, answer.problem().as_str()), (413, "body_too_large"));
    let head = "POST /v1/pools/spring/import HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\nConnection: close\r\n";
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{file}\r\n0\r\n\r\n", file.len());
    assert!(raw(&service, chunks.as_bytes(), false).starts_with("HTTP/1.1 413 "));
    assert_eq!(service.pools(), before);
    assert_eq!(service.send("/v1/pools/spring/import", CSV, &file[..1000]).status, 200);
}

#[test]
fn a_sender_that_goes_away_halfway_imports_nothing() {
    let service = service();
    let before = service.pools();
    let head = "POST /v1/pools/spring/import HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\nConnection: close\r\n";
    raw(&service, format!("{head}Content-Length: 1000\r\n\r\ncode\nA\nB\n").as_bytes(), true);
    raw(&service, format!("{head}Transfer-Encoding: chunked\r\n\r\n9\r\ncode\nA\nB\n\r\n").as_bytes(), true);
    // What is answered after it comes after it.
    assert_eq!(service.pools(), before);
    assert_eq!(import(&service, CSV, "code\nA\nB\n")["added"], 2);
}
