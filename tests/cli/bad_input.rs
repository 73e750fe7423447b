//! Names and values that cannot be: what is wrong, what to do, exit code 7, and nothing changed.

use crate::shop::{Shop, names};

#[test]
fn a_pool_name_with_spaces() {
    let shop = Shop::new();
    let error = "error: pool name 'spring sale' is not a valid name\n\
        help: use 1 to 64 letters, digits, '-' or '_', starting with a letter or digit, such as 'spring-sale'";
    shop.run_with(&["pool", "create", "spring sale"]).fails(7, error);
    assert_eq!(names(&shop.path("")), Vec::<String>::new());
    shop.run_with(&["pool", "create", "spring", "--overflow", "spring sale"])
        .fails(7, &error.replacen("error: ", "error: --overflow: ", 1));
    shop.run_with(&["pool", "list", "--store", "memory:", "--project", "spring sale"])
        .fails(7, &error.replacen("pool name", "project name", 1));
}

#[test]
fn an_unknown_pool_names_the_nearest_one() {
    let shop = Shop::with_pool("spring", &[]);
    for command in ["show sprng", "pause sprng", "resume sprng", "delete sprng", "set sprng --limit-total 1"] {
        shop.run(&format!("pool {command}")).fails(
            7,
            "error: there is no pool 'sprng'; did you mean 'spring'?\nhelp: 'tearoff pool list' shows those that exist",
        );
    }
    shop.run("pool show winter")
        .fails(7, "error: there is no pool 'winter'\nhelp: 'tearoff pool list' shows those that exist");
}

#[test]
fn a_pool_that_exists() {
    let shop = Shop::with_pool("spring", &[]);
    shop.run("pool create spring")
        .fails(7, "error: pool 'spring' exists already\nhelp: change it with 'tearoff pool set'");
}

#[test]
fn overflow_into_nowhere_or_in_a_circle() {
    let shop = Shop::with_pool("spring", &[]);
    let nowhere =
        |pool: &str| format!("error: the overflow pool 'winter' of '{pool}' does not exist\nhelp: create it first");
    shop.run("pool set spring --overflow winter").fails(7, &nowhere("spring"));
    shop.run("pool create vip --overflow winter").fails(7, &nowhere("vip"));
    shop.ok("pool create vip --overflow spring");
    shop.run("pool set spring --overflow vip")
        .fails(7, "error: the overflow pools of 'spring' lead back to it\nhelp: choose another overflow pool");
    assert!(!shop.ok("pool show spring").contains("overflow"));
}

#[test]
fn settings_that_cannot_be() {
    let shop = Shop::new();
    let span = "help: write a whole number and a unit: 30d, 12h, 45m or 90s";
    shop.run("pool create p --valid-for 3w")
        .fails(7, &format!("error: --valid-for: '3w' is not a span of time\n{span}"));
    shop.run("pool create p --expires-at soon").fails(
        7,
        "error: --expires-at: not a moment in time\n\
         help: write a date such as 2027-06-30, or a time with its offset such as 2027-06-30T18:00:00Z",
    );
    for argument in ["--fallback", "--preview-code"] {
        shop.run_with(&["pool", "create", "p", argument, "SECRET "])
            .fails(7, &format!("error: {argument}: the code begins or ends with white space"));
    }
    for limit in ["0", "-1", "many"] {
        assert_eq!(shop.run(&format!("pool create p --limit-total={limit}")).code, Some(2));
    }
    assert_eq!(names(&shop.path("")), Vec::<String>::new());
}

#[test]
fn data_of_a_message_that_cannot_be() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("templates/hi/body.txt", "Hi");
    let render = |arguments: &[&str]| shop.run_with(&[&["render", "hi", "--channel", "sms"], arguments].concat());
    let help = "help: write an object such as '{\"id\": \"c42\"}', or @FILE";
    render(&["--customer", r#"{"mail": "ada@example.com"#])
        .fails(7, &format!("error: --customer: not a JSON object: it ends too early at line 1, column 25\n{help}"));
    render(&["--customer", "{}", "--context", "[]"])
        .fails(7, &format!("error: --context: not a JSON object: it is another kind of value\n{help}"));
    render(&["--customer", "@ada.json"]).fails(
        7,
        "error: --customer: cannot read ada.json\nhelp: check the path after the @\n\
         cause: No such file or directory (os error 2)",
    );
    render(&["--customer", "{}"])
        .fails(7, "error: the message has no id\nhelp: give message_id, or both campaign.id and customer.id");
    render(&["--customer", "{}", "--message-id", "m", "--context", r#"{"vouchers": 1}"#]).fails(
        7,
        "error: context may not define 'vouchers'\nhelp: choose another name; that one is the renderer's own",
    );
}

#[test]
fn a_template_that_is_not_there() {
    let shop = Shop::new();
    shop.write("templates/welcome/body.txt", "Hi");
    let arguments = "--mode preview --customer {}";
    shop.run(&format!("render welcom --channel sms {arguments}")).fails(
        7,
        "error: there is no template 'welcom' in templates; did you mean 'welcome'?\n\
         help: make the folder templates/welcom with the parts of the message",
    );
    let run = shop.run(&format!("render welcome --channel email {arguments}"));
    assert_eq!(run.code, Some(7));
    assert!(run.stderr.starts_with("error: template 'welcome' has no subject.txt, which email requires\n"), "{run:?}");
}

#[test]
fn an_unknown_key_of_the_configuration() {
    let shop = Shop::new();
    shop.write("tearoff.toml", "project = \"shop\"\nstor = \"redis://:secret@host\"\n");
    shop.run("pool list").fails(
        7,
        "error: tearoff.toml, line 2: unknown field `stor`, expected one of `store`, `replicas`, `ca_file`, `project`, `journal_keep`, `redemption`, `low_stock`, `limits`, `http`, `layers`, `visitors`, `delivery`, `imports`\n\
         help: it may set 'store', 'project', 'ca_file' and 'journal_keep', all text, the number 'replicas', numbers in a \
         section [limits], settings of the service in sections [http], [visitors] and [layers.NAME], of test e-mails in a \
         section [delivery], text in a section [redemption], a section [low_stock] with 'webhook' and 'secret', and imports in \
         sections [[imports]]",
    );
    assert!(shop.ok("completions bash").contains("tearoff"), "completions need no configuration");
}
