//! Names of files are data: template syntax in them is printed as it stands, and claims nothing.

use serde_json::json;

use crate::attacks::ATTACKS;
use crate::shop::{Run, Shop};

/// A name of a file with all of it.
fn name() -> String {
    ATTACKS.join(" ")
}

/// A shop with three codes in the pool that the name would claim of, in a file of that name, and a template that claims one.
fn shop(name: &str) -> Shop {
    let shop = Shop::new();
    shop.write(&format!("{name}.csv"), "code\nA1\nA2\nA3\n");
    shop.write("templates/hi/body.txt", "Hi: {{ vouchers.p.assign_available() }}");
    shop
}

fn available(shop: &Shop) -> u64 {
    shop.json("pool show p --json")["available"].as_u64().unwrap()
}

/// The run ends like this and says the whole name.
#[track_caller]
fn says(run: &Run, code: i32, words: &str) {
    assert_eq!(run.code, Some(code), "{run:?}");
    assert!(run.stdout.contains(words) || run.stderr.contains(words), "{words}\n{run:?}");
}

#[test]
fn a_file_of_codes_may_be_called_anything() {
    let name = name();
    let shop = shop(&name);
    let file = format!("{name}.csv");
    assert_eq!(shop.run_with(&["pool", "import", "p", &file]).code, Some(0));
    says(&shop.run_with(&["pool", "import", "p", &file, "--preview"]), 0, &format!("source       {file}\n"));
    says(&shop.run_with(&["pool", "import", "p", &format!("{name}.none")]), 7, &format!("error: {name}.none: "));
    says(
        &shop.run_with(&["pool", "import", "p", &format!("no {name}.csv")]),
        7,
        &format!("error: cannot read no {name}.csv"),
    );
    shop.write(&format!("bad {name}.csv"), "code\nA4\n\u{7}\n");
    says(&shop.run_with(&["pool", "import", "p", &format!("bad {name}.csv")]), 0, &format!("bad {name}.csv:3: "));
    assert_eq!(available(&shop), 4);
    let archive = format!("out {name}");
    says(&shop.run_with(&["pool", "delete", "p", "--archive", &archive]), 0, &format!("are in {archive}\n"));
    assert!(shop.path(&archive).exists());
}

#[test]
fn a_campaigns_files_may_be_called_anything() {
    let name = name();
    let shop = shop(&name);
    let head = format!(
        "channel = \"sms\"\naudience = {}\n[pools.p]\nimport = {}\n",
        json!(format!("{name}.jsonl")),
        json!(format!("{name}.csv"))
    );
    shop.write(&format!("{name}.jsonl"), &format!("{}\n", json!({"customer": {"id": "c1"}})));
    let file = format!("{name}.toml");
    shop.write(&file, &format!("id = \"sale\"\ntemplate = \"hi\"\n{head}"));
    assert_eq!(shop.run_with(&["campaign", "check", &file]).code, Some(0));
    let out = format!("out {name}");
    says(&shop.run_with(&["campaign", "run", &file, "--out", &out]), 0, &format!("written to      {out}\n"));
    assert_eq!(shop.run_with(&["audit", "--out", &out]).code, Some(0));
    for text in ["messages.jsonl", "events.jsonl", "report.json", "checkpoint.json"]
        .map(|file| shop.read(&format!("{out}/{file}")))
    {
        assert!(!text.contains("looped") && !text.contains("__joined 49"), "{text}");
    }
    assert_eq!(available(&shop), 2);
    says(
        &shop.run_with(&["campaign", "run", &file, "--out", &format!("{name}.csv")]),
        7,
        &format!("{name}.csv is a file"),
    );
    says(&shop.run_with(&["audit", "--out", &name]), 7, &format!("there is no folder '{name}'"));
    shop.write(&file, &format!("id = \"sale\"\ntemplate = {}\n{head}", json!(name)));
    says(
        &shop.run_with(&["campaign", "run", &file, "--out", "new"]),
        7,
        &format!("error: {file}:2: 'template': template name '{}", ATTACKS[0]),
    );
    shop.write(&format!("{name}.jsonl"), "no JSON\n");
    shop.write(&file, &format!("id = \"sale\"\ntemplate = \"hi\"\n{head}"));
    let run = shop.run_with(&["campaign", "run", &file, "--out", "new"]);
    assert!(!run.stderr.contains("looped\n") && !run.stderr.contains("__joined 49"), "{run:?}");
    assert_eq!(available(&shop), 2);
}

#[test]
fn a_template_is_named_by_its_author_and_a_partial_printed_by_its_name() {
    let name = name();
    let shop = shop(&name);
    shop.run_with(&["pool", "import", "p", &format!("{name}.csv")]);
    shop.write(&format!("templates/{name}/body.txt"), "x");
    for arguments in
        [&["render", &name, "--channel", "sms", "--customer", "{}", "--message-id", "m"][..], &["lint", &name]]
    {
        says(&shop.run_with(arguments), 7, &format!("error: template name '{}", ATTACKS[0]));
    }
    let customer = json!({"id": "c1", "name": "Ada", "partial": format!("_partials/{name}.txt")}).to_string();
    let render = |source: &str| {
        shop.write("templates/hi/body.txt", "{% include customer.partial %}");
        shop.write(&format!("templates/_partials/{name}.txt"), source);
        shop.run_with(&["render", "hi", "--channel", "sms", "--customer", &customer, "--message-id", "m"])
    };
    says(&render("Hi {{ customer.name }}"), 0, r#""parts":{"body.txt":"Hi Ada"}"#);
    says(&render("{{ customer.partial }}"), 0, &format!(r#""parts":{{"body.txt":"_partials/{name}.txt"}}"#));
    says(&render("{{ customer.name.nope() }}"), 6, &format!("_partials/{name}.txt, line 1, column 17: unknown method"));
    says(
        &render("{{ customer.name|uper }}"),
        6,
        &format!("_partials/{name}.txt, line 1, column 18: there is no filter 'uper'"),
    );
    std::fs::remove_file(shop.path(&format!("templates/_partials/{name}.txt"))).unwrap();
    let run = shop.run_with(&["render", "hi", "--channel", "sms", "--customer", &customer, "--message-id", "m"]);
    says(&run, 6, &format!("there is no file '…' to include; did you mean '{name}/body.txt'?"));
    shop.write("templates/hi/body.txt", &format!("{{% include {} %}}", json!(format!("_partials/{name}.txt"))));
    shop.write(&format!("templates/_partials/{name}.txt"), "{{ customer.name|safe }}$CST.p.COUPON$");
    let found = shop.run_with(&["lint", "hi", "--json"]);
    says(&found, 1, &json!(format!("_partials/{name}.txt")).to_string());
    let no_file = format!("@{name}.json");
    says(
        &shop.run_with(&["render", "hi", "--channel", "sms", "--customer", &no_file]),
        7,
        &format!("cannot read {name}.json"),
    );
    assert_eq!(available(&shop), 3);
}
