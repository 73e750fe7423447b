//! `export`, and what a voucher's history says.

use serde_json::{Value, json};

use crate::shop::{Shop, names};

const VOUCHERS: &str =
    "code,pool,state,customer_id,campaign_id,message_id,channel,mode,assigned_at,expires_at,redeemed_at,metadata";
const JOURNAL: &str = "at,pool,change,count,code,customer_id,message_id,event_id,import_id,flagged";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn codes(rows: &[Value]) -> Vec<String> {
    let mut codes: Vec<String> = rows.iter().map(|row| row["code"].as_str().unwrap_or("-").to_owned()).collect();
    codes.sort();
    codes
}

#[test]
fn a_history_tells_a_vouchers_whole_life() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.render("c1", &[]);
    shop.ok("voucher release --message sale/c1");
    shop.render("c2", &[]);
    shop.ok("voucher redeem S1 --event-id o1 --customer c2");
    shop.ok("voucher rollback S1 --event-id o1");
    shop.ok("voucher void S1");
    let history = shop.json("voucher show S1 --history --json")["history"].as_array().unwrap().clone();
    let changes: Vec<&str> = history.iter().map(|entry| entry["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["imported", "assigned", "released", "assigned", "redeemed", "rolled_back", "voided"]);
    assert!(history[0]["import_id"].is_string());
    assert_eq!((&history[2]["message_id"], &history[2]["customer_id"]), (&json!("sale/c1"), &json!("c1")));
    assert_eq!((&history[3]["message_id"], &history[3]["customer_id"]), (&json!("sale/c2"), &json!("c2")));
    assert_eq!((&history[4]["event_id"], &history[4]["customer_id"]), (&json!("o1"), &json!("c2")));
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[moment -------------]");
    settings.add_filter(r"import \S+", "import [id]");
    settings.bind(|| {
        let shown = shop.ok("voucher show S1 --history");
        insta::assert_snapshot!(shown.split_once("\n\n").unwrap().1, @r"
    WHEN                     WHAT            HOW
    [moment -------------]  imported        import [id]
    [moment -------------]  assigned        to c1, message sale/c1
    [moment -------------]  released        from c1, message sale/c1
    [moment -------------]  assigned        to c2, message sale/c2
    [moment -------------]  redeemed        by c2, event o1
    [moment -------------]  use taken back  of c2, event o1
    [moment -------------]  voided          of c2
    ");
    });
}

#[test]
fn vouchers_and_assignments_are_rows() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    shop.add_pool("other", &["O1"], None);
    shop.render("c1", &[]);
    let all = shop.ok("export vouchers");
    assert_eq!((all.lines().next().unwrap(), all.lines().count()), (VOUCHERS, 4));
    let given = lines(&shop.ok("export assignments --format jsonl"));
    assert_eq!((given.len(), &given[0]["customer_id"], &given[0]["state"]), (1, &json!("c1"), &json!("assigned")));
    assert_eq!(shop.ok("export assignments --pool other"), format!("{VOUCHERS}\n"));
    assert_eq!(lines(&shop.ok("export vouchers --pool spring --since 2020-01-01 --format jsonl")).len(), 1);
    assert_eq!(shop.ok("export assignments --since 2999-01-01 --format jsonl"), "");
    shop.run("export vouchers --pool sprnig").fails(
        7,
        "error: there is no pool 'sprnig'; did you mean 'spring'?\nhelp: 'tearoff pool list' shows those that exist",
    );
}

#[test]
fn a_spreadsheet_computes_no_cell() {
    let shop = Shop::with_pool("spring", &["=1+1", "'@x", "SAFE"]);
    let mut rows: Vec<String> = shop.ok("export vouchers").lines().skip(1).map(|row| row[..5].to_owned()).collect();
    rows.sort();
    assert_eq!(rows, ["''@x,", "'=1+1", "SAFE,"]);
    assert_eq!(codes(&lines(&shop.ok("export vouchers --format jsonl"))), ["'@x", "=1+1", "SAFE"]);
    shop.ok("pool delete spring --archive old.csv");
    assert!(shop.read("old.csv").contains("\n'=1+1,"));
}

#[test]
fn no_cell_of_an_export_begins_like_a_formula() {
    let formulas = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "＝1+1"];
    let shop = Shop::with_pool("spring", &formulas);
    for customer in formulas {
        let (code, _) = shop.render(customer, &[]);
        assert_eq!(code, Some(0), "{customer}");
    }
    let others = formulas.map(|code| format!("{code}2"));
    shop.add_pool("other", &others.each_ref().map(String::as_str), None);
    let people = formulas.map(|customer| format!("\"{customer}\"\n")).concat();
    shop.write("people.csv", &format!("customer_id\n{people}"));
    let is_text = |cell: &str| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']);
    for export in
        ["export vouchers", "export assignments", "export journal", "assign other --node n --audience people.csv"]
    {
        let text = shop.run(export).stdout;
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        for row in rows.records().map(Result::unwrap) {
            assert!(row.iter().all(is_text), "{export}: {row:?}");
        }
        assert!(text.contains("'=cmd"), "{text}");
    }
}

#[test]
fn what_an_archive_holds_can_be_imported_again() {
    let codes_in = ["''-1", "'=1", "'x", "+1", "-1", "=1+1", "@x", "A-1", "＝1"];
    let shop = Shop::with_pool("spring", &codes_in);
    let of_pool = |shop: &Shop| codes(&lines(&shop.ok("export vouchers --format jsonl")));
    assert_eq!(of_pool(&shop), codes_in);
    shop.ok("pool delete spring --archive old.csv");
    assert_eq!(shop.json("pool import spring old.csv --json")["added"], 9);
    assert_eq!(of_pool(&shop), codes_in);
    shop.write("foreign.csv", "code,note\n'=2,'=1\n");
    shop.ok("pool import foreign foreign.csv");
    let foreign = lines(&shop.ok("export vouchers --pool foreign --format jsonl"));
    assert_eq!(
        (&foreign[0]["code"], &foreign[0]["metadata"]["note"]),
        (&json!("'=2"), &json!("'=1")),
        "nobody else's codes are changed"
    );
}

#[test]
fn the_journal_is_a_row_for_each_voucher() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    shop.render("c1", &[]);
    let journal = shop.ok("export journal");
    assert_eq!(journal.lines().next(), Some(JOURNAL));
    let rows = lines(&shop.ok("export journal --format jsonl"));
    let told: Vec<(&Value, &Value)> = rows.iter().map(|row| (&row["change"], &row["count"])).collect();
    assert_eq!(told, [(&json!("imported"), &json!(2)), (&json!("assigned"), &json!(1))]);
    assert_eq!((&rows[0]["code"], rows[1]["code"].is_string()), (&Value::Null, true));
}

#[test]
fn a_cursor_goes_on_where_the_last_export_ended() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3"]);
    shop.add_pool("other", &["O1"], None);
    for what in ["assignments", "journal"] {
        let export = format!("export {what} --cursor {what}.json --format jsonl");
        let first = lines(&shop.ok(&export));
        assert_eq!(first.is_empty(), what == "assignments");
        assert_eq!(shop.ok(&export), "", "nothing happened since");
    }
    shop.render("c1", &[]);
    shop.render("c2", &[]);
    for what in ["assignments", "journal"] {
        let export = format!("export {what} --cursor {what}.json --format jsonl");
        let next = lines(&shop.ok(&export));
        assert_eq!(next.len(), 2, "{what}: {next:?}");
        assert!(codes(&next).iter().all(|code| code.starts_with('S')));
        assert_eq!(shop.ok(&export), "");
    }
    assert!(!names(&shop.path("")).iter().any(|name| name.ends_with(".new")));
}

#[test]
fn the_first_export_with_a_cursor_holds_everything() {
    let shop = Shop::with_pool("spring", &["S1", "S2", "S3"]);
    shop.render("c1", &[]);
    shop.render("c2", &[]);
    assert_eq!(lines(&shop.ok("export assignments --cursor a.json --format jsonl")).len(), 2);
    shop.ok("pool trim-journal --keep 1s");
    shop.render("c3", &[]);
    let next = lines(&shop.ok("export assignments --cursor a.json --format jsonl"));
    assert_eq!((next.len(), &next[0]["customer_id"]), (1, &json!("c3")));
}

#[test]
fn a_cursor_belongs_to_one_export() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.ok("export journal --cursor c.json");
    let help = "help: name a file of its own for each export; one that does not exist begins anew";
    shop.run("export assignments --cursor c.json")
        .fails(7, &format!("error: --cursor: c.json is that of an export of journal of project 'default'\n{help}"));
    shop.write("c.json", "{}");
    let broken = shop.run("export journal --cursor c.json");
    assert!(broken.stderr.starts_with("error: --cursor: c.json is no cursor (line 1, column 2)"), "{broken:?}");
    assert_eq!(shop.run("export vouchers --cursor v.json").code, Some(7));
    assert_eq!(shop.run("export journal --trim").code, Some(2));
}

/// What is exported and older than the last row may go; the history still knows the import.
#[test]
fn an_export_trims_what_is_out() {
    let shop = Shop::with_pool("spring", &["S1", "S2"]);
    shop.render("c1", &[]);
    shop.render("c2", &[]);
    shop.ok("export journal --cursor j.json --trim");
    let left = lines(&shop.ok("export journal --format jsonl"));
    assert!(left.len() < 3 && left.iter().all(|row| row["change"] == "assigned"), "{left:?}");
    assert_eq!(shop.json("voucher show S1 --history --json")["history"][0]["change"], "imported");
}
