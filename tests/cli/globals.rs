//! What every command takes: where the store is, the project, colours, logs, and how a run is ended from outside.

use serde_json::{Value, json};

use crate::shop::{Run, Shop, names};

#[test]
fn the_store_comes_from_the_argument_then_the_environment_then_the_file() {
    let shop = Shop::new();
    shop.write("tearoff.toml", "store = \"sqlite:file.db\"\nproject = \"shop\"\n");
    let made = |arguments: &str, environment: Option<&str>| {
        let mut command = shop.command(&arguments.split(' ').collect::<Vec<_>>());
        command.envs(environment.map(|url| ("TEAROFF_STORE", url)));
        Run::of(&mut command).stderr
    };
    assert_eq!(made("pool create a", None), "created pool 'a' in sqlite:file.db\n");
    assert_eq!(made("pool create a", Some("sqlite:env.db")), "created pool 'a' in sqlite:env.db\n");
    assert_eq!(
        made("pool create a --store sqlite:arg.db", Some("sqlite:env.db")),
        "created pool 'a' in sqlite:arg.db\n"
    );
    assert_eq!(shop.json("pool list --json --project other"), json!([]));
    assert_eq!(shop.json("pool list --json --project shop")[0]["pool"], "a");
    assert_eq!(shop.json("pool list --json")[0]["pool"], "a");
    assert!(!shop.path("tearoff.db").exists());
}

#[test]
fn limits_come_from_the_file() {
    let shop = Shop::with_pool("spring", &["S1"]);
    shop.write("templates/hi/body.txt", "{{ 'a' * 500 }}");
    let arguments = ["render", "hi", "--channel", "sms", "--mode", "preview", "--customer", "{}"];
    assert_eq!(shop.run_with(&arguments).code, Some(0));
    shop.write("tearoff.toml", "[limits]\noutput_bytes = 400\n");
    let run = shop.run_with(&arguments);
    assert_eq!((run.code, run.stdout.contains("output_too_large")), (Some(6), true), "{}", run.stderr);
}

#[test]
fn projects_are_apart() {
    let shop = Shop::new();
    shop.ok("pool create spring --project one");
    shop.ok("pool create spring --project two");
    assert_eq!(shop.json("pool list --json"), json!([]));
}

#[test]
fn quiet_says_nothing_but_data_and_errors() {
    let shop = Shop::new();
    let run = shop.run("-q pool create spring");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));
    assert!(shop.run("-q pool create spring").stderr.starts_with("error: "));
    assert_eq!(shop.run("-q -v pool list").code, Some(2));
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let shop = Shop::with_pool("spring", &["S1"]);
    let escapes = |arguments: &str| {
        let run = shop.run(arguments);
        run.stdout.matches('\x1b').count() + run.stderr.matches('\x1b').count()
    };
    for command in ["pool list", "pool show spring", "pool show nothing", "doctor"] {
        assert_eq!(escapes(command), 0, "{command}");
        assert_eq!(escapes(&format!("{command} --color never")), 0, "{command}");
        assert!(escapes(&format!("{command} --color always")) > 0, "{command}");
    }
    assert_eq!(escapes("pool list --json --color always"), 0);
}

#[test]
fn an_error_is_a_line_of_a_json_log() {
    let run = Shop::new().run("--log-format json pool list");
    assert_eq!((run.code, run.stdout.as_str()), (Some(7), ""));
    let line: Value = serde_json::from_str(run.stderr.trim_end()).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["fields"]["code"], "not_found");
    assert_eq!(line["fields"]["message"], "there is no store file 'tearoff.db'");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let shop = Shop::with_pool("spring", &[]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = shop.command(&["pool", "list"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_the_program_while_it_waits() {
    use std::process::{Command, Stdio};
    let shop = Shop::new();
    shop.write("templates/hi/body.txt", "Hi");
    let mut child =
        shop.command(&["render", "hi", "--channel", "sms", "--customer", "@-"]).stdin(Stdio::piped()).spawn().unwrap();
    // Waiting for the child would close its standard input, and it would end by itself.
    let open_input = child.stdin.take();
    let id = child.id().to_string();
    while !listens(&id) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // A signal between the two steps in which the program begins to listen goes by unheard.
    let ended = loop {
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        std::thread::sleep(std::time::Duration::from_millis(50));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
    };
    assert_eq!(ended.code(), Some(130));
    drop(open_input);
    assert_eq!(names(&shop.path("")), ["templates"]);
}

/// Whether a process catches SIGINT.
#[cfg(target_os = "linux")]
fn listens(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    u64::from_str_radix(caught, 16).unwrap() & (1 << 1) != 0
}
