//! `import-due`: imports that repeat.

use serde_json::{Value, json};

use crate::shop::{Shop, names};

const IMPORTS: &str = "[[imports]]\nsource = 'codes.csv'\npool = 'spring'\ncron = '@yearly'\n\n\
    [[imports]]\nname = 'vip-list'\nsource = 'vip.txt'\npool = 'vip'\ncron = '@yearly'\ntimezone = 'UTC'\n";

fn shop() -> Shop {
    let shop = Shop::new();
    shop.write("tearoff.toml", IMPORTS);
    shop.write("codes.csv", "code\nA-1\nA-2\n\"\"\n");
    shop
}

fn records(shop: &Shop) -> Value {
    serde_json::from_str(&shop.read("tearoff.imports.json")).unwrap()
}

#[test]
fn what_is_due_runs_once_and_what_fails_runs_again() {
    let shop = shop();
    let run = shop.run("import-due --json");
    assert_eq!(run.code, Some(7), "{run:?}");
    let runs: Value = serde_json::from_str(&run.stdout).unwrap();
    let counts = json!({"read": 3, "added": 2, "duplicates_in_source": 0, "already_in_pool": 0, "in_other_pool": 0, "rejected": 1});
    assert_eq!((&runs[0]["name"], &runs[0]["report"], &runs[0]["error"]), (&json!("spring"), &counts, &json!(null)));
    assert_eq!(runs[1]["error"], "cannot read vip.txt: No such file or directory (os error 2)");
    assert_eq!(records(&shop), json!({"spring": [runs[0]], "vip-list": [runs[1]]}));
    shop.write("vip.txt", "V-1\n");
    let runs = shop.json("import-due --json");
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["report"]["added"]), (1, &json!(1)));
    assert_eq!(shop.json("import-due --json"), json!([]));
    assert_eq!(records(&shop)["vip-list"].as_array().unwrap().len(), 2);
    assert_eq!(names(&shop.path("")).iter().filter(|name| name.starts_with("tearoff.imports")).count(), 1);
}

#[test]
fn the_list_tells_when_each_is_due_and_changes_nothing() {
    let shop = shop();
    let list = shop.json("import-due --list --json");
    assert_eq!(
        (&list[0]["name"], &list[0]["cron"], &list[0]["last"]),
        (&json!("spring"), &json!("@yearly"), &json!(null))
    );
    assert_eq!(names(&shop.path("")), ["codes.csv", "tearoff.toml"]);
    shop.run("import-due");
    let list = shop.json("import-due --list --json");
    assert!(list[0]["due"].as_str().unwrap().ends_with("-01-01T00:00:00Z"), "{list}");
    let text = shop.ok("import-due --list");
    assert!(
        text.contains("2 added, 1 rejected") && text.contains("now") && text.contains("failed: cannot read vip.txt"),
        "{text}"
    );
}

#[test]
fn a_store_that_cannot_be_reached_is_told_apart() {
    let shop = shop();
    let run = shop.run("import-due --store redis://127.0.0.1:1");
    assert_eq!((run.code, run.stdout.as_str()), (Some(5), ""), "{run:?}");
    assert!(!shop.path("tearoff.imports.json").exists(), "nothing ran");
}

#[test]
fn what_cannot_be_scheduled_is_refused_by_its_line() {
    let shop = shop();
    shop.write("tearoff.toml", &IMPORTS.replacen("@yearly", "0 0 30 2 *", 1));
    let run = shop.run("import-due");
    assert_eq!(run.code, Some(7));
    assert!(
        run.stderr.starts_with("error: tearoff.toml, line 4: the cron expression '0 0 30 2 *' never comes true\n"),
        "{run:?}"
    );
    shop.write("tearoff.toml", "");
    shop.run("import-due").fails(
        7,
        "error: tearoff.toml has no [[imports]]\nhelp: 'tearoff import-due --help' shows how they are written",
    );
    shop.write("tearoff.toml", IMPORTS);
    shop.write("tearoff.imports.json", "{");
    let run = shop.run("import-due");
    assert_eq!(run.code, Some(7));
    assert!(
        run.stderr.contains("tearoff.imports.json: this is no record of imports")
            && run.stderr.contains("\nhelp: remove the file"),
        "{run:?}"
    );
}
