//! Templates in child processes: the same messages as without, and one that kills its child dies alone.

use std::process::Command;
use std::time::{Duration, Instant};

use tearoff::campaign::{Outcome, Reason};
use tearoff::render::{Attributes, Field, Isolation, Limits, Message, Purpose, Renderer, Template};
use tearoff::voucher::Channel;

use tokio::sync::Mutex;

use super::shop::*;

/// Held by a test for as long as it has children: one of them strikes all children of this process.
static CHILDREN: Mutex<()> = Mutex::const_new(());

fn isolation() -> Isolation {
    Isolation::new(env!("CARGO_BIN_EXE_tearoff"), ["isolated-renderer"]).unwrap()
}

fn isolated(isolation: &Isolation, source: &str) -> Template {
    let renderer = Renderer::new(Limits::default()).isolated(isolation.clone());
    renderer.compile("test", Channel::Sms, [("body.txt", source)]).unwrap()
}

/// A message whose template goes on for ever, or does not.
fn endless(customer: &str, is_endless: bool) -> Message {
    let mut message = message(customer);
    message.context = Attributes::from_fields([("is_endless", Field::boolean(is_endless))]);
    message
}

/// Shows a code, and for some messages takes more time or memory than a child may have, since its limits let it.
fn excessive(isolation: &Isolation, excess: &str) -> Template {
    let limits = Limits {
        instructions: u64::MAX,
        text_bytes: usize::MAX,
        output_bytes: usize::MAX,
        seconds: u64::MAX,
        ..Limits::default()
    };
    let renderer = Renderer::new(limits).isolated(isolation.clone());
    let source = format!("{{{{ vouchers.p.assign_available() }}}}{{% if is_endless %}}{excess}{{% endif %}}");
    renderer.compile("test", Channel::Sms, [("body.txt", source)]).unwrap()
}

const HOURS: &str = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
const GIGABYTES: &str =
    "{% set ns = namespace(x='x' * 1000000) %}{% for a in range(12) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}";

/// The children of this process that render, and have not ended.
fn children() -> Vec<String> {
    let own = std::process::id().to_string();
    let listed = Command::new("ps").args(["--ppid", &own, "-o", "pid=,stat=,args="]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let renders = |line: &&str| line.contains("isolated-renderer") && !line.contains("<defunct>");
    listed.lines().filter(renders).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// How long a child has worked so far, in hundredths of a second: the fourteenth word of its `stat`, see proc(5).
fn worked(child: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    behind_name.split_whitespace().nth(11).and_then(|ticks| ticks.parse().ok()).unwrap_or_default()
}

/// Waits until a child is in the middle of a message that does not end.
fn at_work() -> String {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let before: Vec<_> = children().into_iter().map(|child| (worked(&child), child)).collect();
        std::thread::sleep(Duration::from_millis(150));
        if let Some((_, child)) = before.into_iter().find(|(before, child)| worked(child) >= before + 5) {
            return child;
        }
    }
    panic!("no child works");
}

fn signal(signal: &str, children: &[String]) {
    // One may have ended by now.
    let _ = Command::new("kill").arg(signal).args(children).output().unwrap();
}

fn codes(outcomes: &[Outcome]) -> Vec<&str> {
    let shown = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok());
    shown.map(|personalized| personalized.vouchers[0].binding.voucher.code.as_str()).collect()
}

/// No code twice, and what is not shown is back.
async fn check(shop: &Shop, outcomes: &[Outcome], codes_in_all: u64) {
    let mut codes = codes(outcomes);
    let shown = codes.len() as u64;
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len() as u64, shown, "a code was given twice");
    let counts = shop.counts("p").await;
    assert_eq!((counts.assigned, counts.reserved, counts.available), (shown, 0, codes_in_all - shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_the_same_as_without() {
    let _alone = CHILDREN.lock().await;
    let source = "{{ customer.id }} {{ vouchers.p.assign_available() }} {{ vouchers.p.assign(per='customer') }} \
                  {% for v in customer.vouchers %}{{ v.code }}{% endfor %} {{ vouchers.p.count_available() }} \
                  {{ vouchers.p.assign_available().assigned_at.year > 2000 }} {% if customer.id == 'c3' %}{{ 1/0 }}{% endif %}";
    let mut texts = Vec::new();
    for template in [sms(source), isolated(&isolation(), source)] {
        let shop = Shop::with(&[("p", 100)]).await;
        let messages = many(20).iter().map(|id| message(id)).collect();
        let outcomes = shop.personalizer(template).personalize(messages).await.unwrap();
        let told = |outcome: &Outcome| match outcome.shortfall() {
            Some(shortfall) => shortfall.message.clone(),
            // Which codes they are is the store's affair.
            None => text(outcome).split(' ').filter(|word| !word.starts_with("p-")).collect::<Vec<_>>().join(" "),
        };
        texts.push(outcomes.iter().map(told).collect::<Vec<_>>());
    }
    assert_eq!(texts[0], texts[1]);
    assert!(texts[0][3].contains("test/body.txt, line 1"), "{}", texts[0][3]);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_child_has_no_environment_and_little_of_everything() {
    let _alone = CHILDREN.lock().await;
    let isolation = isolation();
    let _template = isolated(&isolation, "{{ customer.id }}");
    let child = children().pop().unwrap();
    let told = |name: &str| std::fs::read_to_string(format!("/proc/{child}/{name}")).unwrap();
    assert_eq!(told("environ"), "MIMALLOC_ARENA_RESERVE=0\0");
    let limits = told("limits");
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap_or(u64::MAX)
    };
    assert_eq!((limit("Max file size"), limit("Max core file size"), limit("Max open files")), (0, 0, 16));
    assert!(limit("Max cpu time") <= 3, "{limits}");
    // The program itself, the stack of the thread that renders, and 64 MiB.
    assert!(limit("Max address space") < 400 << 20, "{limits}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_every_kind_arrives_as_what_it_is() {
    let _alone = CHILDREN.lock().await;
    let json = r#"{"none": null, "yes": true, "less": -7, "most": 18446744073709551615, "price": 12.5, "whole": 3.0, "least": 5e-324,
        "text": "O'Brien \"Łódź\" \u0000 \n", "list": [1, [], {"": "empty name"}], "long name that is not kept in place": {}}"#;
    let moment = "2027-03-01T09:30:00.123Z".parse().unwrap();
    let mut message = message("c1");
    message.context =
        Attributes::from_fields([("data", Field::json(json).unwrap()), ("moment", Field::moment(moment))]);
    message.context = message.context.with("nested", Field::from(message.context.clone()));
    let source = "{{ data|tojson }} {{ data.whole }} {{ data.least }} {{ data.none is none }} {{ data.most + 1 }} {{ data|list }} \
                  {{ moment }} {{ moment.year }} {{ moment|dateformat }} {{ nested.moment.minute }} {{ nested.data.list[2] }}";
    let mut texts = Vec::new();
    for template in [sms(source), isolated(&isolation(), source)] {
        let shop = Shop::with(&[]).await;
        let outcomes = shop.personalizer(template).personalize(vec![message.clone()]).await.unwrap();
        texts.push(text(&outcomes[0]).to_owned());
    }
    assert_eq!(texts[0], texts[1]);
    assert!(texts[0].contains("2027 ") && texts[0].contains(" 30 "), "{}", texts[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_kills_its_child_fails_alone_and_gives_its_code_back() {
    let _alone = CHILDREN.lock().await;
    for excess in [HOURS, GIGABYTES] {
        let shop = Shop::with(&[("p", 100)]).await;
        let personalizer = shop.personalizer(excessive(&isolation(), excess));
        let bomb = 29;
        let messages = (0..60).map(|n| endless(&format!("c{n}"), n == bomb)).collect();
        let outcomes = personalizer.personalize(messages).await.unwrap();
        for (n, outcome) in outcomes.iter().enumerate() {
            assert_eq!(outcome.shortfall().is_some(), n == bomb, "{n}: {outcome:?}");
        }
        let shortfall = outcomes[bomb].shortfall().unwrap();
        let crashed = (Reason::TemplateError, "the template crashed the renderer");
        assert_eq!((shortfall.reason, &*shortfall.message), crashed);
        check(&shop, &outcomes, 100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_kills_two_children_is_refused_for_a_while() {
    let _alone = CHILDREN.lock().await;
    let (shop, isolation) = (Shop::with(&[("p", 100)]).await, isolation());
    let personalizer = shop.personalizer(excessive(&isolation, HOURS));
    for _ in 0..2 {
        personalizer.personalize(vec![endless("a", true)]).await.unwrap();
    }
    let refused = personalizer.personalize(vec![endless("b", false)]).await.unwrap();
    assert!(refused[0].shortfall().unwrap().message.contains("is refused for 60 seconds"), "{refused:?}");
    // Nobody else's is.
    let other = shop.personalizer(isolated(&isolation, "{{ vouchers.p.assign_available() }}"));
    let outcomes = other.personalize(vec![message("b")]).await.unwrap();
    check(&shop, &outcomes, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_not_to_blame_for_what_somebody_else_kills() {
    let _alone = CHILDREN.lock().await;
    let shop = Shop::with(&[("p", 100)]).await;
    let personalizer = shop.personalizer(excessive(&isolation(), HOURS));
    for _ in 0..3 {
        let struck = std::thread::spawn(|| signal("-KILL", &[at_work()]));
        let outcomes = personalizer.personalize(vec![endless("a", true)]).await.unwrap();
        assert_eq!(&*outcomes[0].shortfall().unwrap().message, "the template crashed the renderer");
        struck.join().unwrap();
    }
    let outcomes = personalizer.personalize(vec![endless("b", false)]).await.unwrap();
    check(&shop, &outcomes, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_are_killed_or_hang_under_load_cost_their_messages_only() {
    let _alone = CHILDREN.lock().await;
    for deed in ["-KILL", "-STOP"] {
        let shop = Shop::with(&[("p", 20_000)]).await;
        let isolation = isolation();
        let mut outcomes = Vec::new();
        let struck = std::thread::spawn(move || {
            let (began, mut strikes) = (Instant::now(), 0);
            while began.elapsed() < Duration::from_secs(2) {
                std::thread::sleep(Duration::from_millis(400));
                let children = children();
                signal(deed, &children);
                strikes += children.len();
            }
            strikes
        });
        let (mut batch, mut not_compiled) = (0, 0);
        while !struck.is_finished() && batch < 490 {
            let (template, failures) = isolated_again(&isolation, batch);
            not_compiled += failures;
            let messages = (0..40).map(|n| of_batch(batch, n)).collect();
            outcomes.extend(shop.personalizer(template).personalize(messages).await.unwrap());
            batch += 1;
        }
        assert!(struck.join().unwrap() > 0, "nobody was struck");
        let failed: Vec<_> = outcomes.iter().filter_map(Outcome::shortfall).collect();
        assert!(failed.len() + not_compiled < outcomes.len() / 2, "{} of {}", failed.len(), outcomes.len());
        assert!(failed.iter().all(|shortfall| shortfall.reason == Reason::TemplateError), "{failed:?}");
        // Who is ended from outside is to blame for nothing; who hangs is.
        assert!(deed == "-STOP" || failed.iter().all(|shortfall| !shortfall.message.contains("refused")), "{failed:?}");
        check(&shop, &outcomes, 20_000).await;
    }
}

/// A template whose compiling child may be struck, too. Each is another one, so that none is refused for what the others were
/// blamed for.
fn isolated_again(isolation: &Isolation, batch: usize) -> (Template, usize) {
    let renderer = Renderer::new(Limits::default()).isolated(isolation.clone());
    let source = |attempt| format!("{{# {batch}, {attempt} #}}{{{{ vouchers.p.assign_available() }}}}");
    let compiled =
        |attempt| Some((renderer.compile("test", Channel::Sms, [("body.txt", source(attempt))]).ok()?, attempt));
    (0..5).find_map(compiled).expect("a template")
}

fn of_batch(batch: usize, number: usize) -> Message {
    message_for(&format!("c{batch}-{number}"), Channel::Sms, Purpose::Live)
}
