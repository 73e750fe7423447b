//! Renders every template of the corpus in a process of its own, so that what it takes can be measured.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tearoff::render::{Attributes, Isolation, Known, Limits, Message, Purpose, Renderer, Rendering};
use tearoff::voucher::Channel;

use super::corpus::{Expected, Hostile, corpus};

/// The variable that names the template which a process is to render.
const ONE: &str = "TEAROFF_HOSTILE";
/// How long a template may take, in milliseconds. Without optimization, everything takes up to ten times as long.
const MILLISECONDS: u128 = if cfg!(debug_assertions) { 20_000 } else { 2_000 };
/// How much the process may grow.
const KILOBYTES: u64 = 64 << 10;
/// How long an isolated one may take: a child has two seconds to compile, and two to render.
const ISOLATED: Duration = Duration::from_secs(5);
/// As large as the stack of a render thread.
const STACK_BYTES: usize = 16 << 20;

/// What became of a template: its text, or why there is none.
pub(crate) type Outcome = Result<String, String>;

/// Renders a template within this process.
pub(crate) fn render(channel: Channel, part: &str, source: &str) -> Outcome {
    render_by(&Renderer::new(Limits::default()), channel, part, source)
}

/// Renders a template, here or in a child process.
fn render_by(renderer: &Renderer, channel: Channel, part: &str, source: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("_p")).unwrap();
    for (name, text) in PARTIALS {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut parts = vec![(part, source)];
    if channel == Channel::Email {
        parts.push(("subject.txt", "s"));
    }
    let renderer = renderer.clone().in_folder(folder.path());
    let template = renderer.compile("hostile", channel, parts).map_err(|error| error.to_string())?;
    let customer = Attributes::from_json(r#"{"id": "c1", "first_name": "Ada"}"#).unwrap();
    let campaign = Attributes::from_json(r#"{"id": "spring"}"#).unwrap();
    let message = Message::new(None, (channel, Purpose::Live), customer, campaign, Attributes::default())
        .map_err(|e| e.to_string())?;
    match template.render(&Arc::new(message), &Arc::<Known>::default()) {
        Rendering::Complete(rendered) => Ok(rendered.parts.into_iter().find(|(name, _)| *name == part).unwrap().1),
        Rendering::Failed(failure) => Err(failure.to_string()),
        Rendering::Suspended(_) => Err("suspended: it waits for a voucher".to_owned()),
    }
}

const PARTIALS: [(&str, &str); 3] = [
    ("_p/self.txt", "x{% include '_p/self.txt' %}"),
    ("_p/parent.txt", "{% extends '_p/parent.txt' %}"),
    ("_p/long.txt", "0123456789012345678901234567890123456789012345678901234567890123456789"),
];

fn greeting() -> Outcome {
    render(Channel::Sms, "body.txt", "Hi {{ customer.first_name }}")
}

/// What `/proc/self/status` says of this process, in KiB.
fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Renders the template that the environment names; in a usual run, none.
#[test]
fn one() {
    let Ok(name) = std::env::var(ONE) else { return };
    let hostile = corpus().into_iter().find(|hostile| hostile.name == name).unwrap();
    let run = move || {
        assert_eq!(greeting().unwrap(), "Hi Ada");
        let (before, start) = (status("VmRSS"), Instant::now());
        let outcome = render(hostile.channel, hostile.part, &hostile.source);
        let (took, grown) = (start.elapsed().as_millis(), status("VmHWM").saturating_sub(before));
        assert_eq!(greeting().unwrap(), "Hi Ada");
        let told = match &outcome {
            Ok(text) => format!("rendered: {}", text.chars().take(200).collect::<String>().escape_debug()),
            Err(error) => format!("failed: {}", error.chars().take(600).collect::<String>().escape_debug()),
        };
        println!("\n@{took} {grown} {told}");
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap().join().unwrap();
}

/// What is wrong with how a template ended, if anything is.
fn fault(hostile: &Hostile) -> Option<String> {
    let mut process = Command::new(std::env::current_exe().unwrap());
    let output = process.args(["harness::one", "--exact", "--nocapture"]).env(ONE, hostile.name).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).lines().take(3).collect::<Vec<_>>().join(" / ");
        return Some(format!("{}: its process ended with {}: {said}", hostile.name, output.status));
    }
    let line = printed.lines().find_map(|line| line.strip_prefix('@')).unwrap();
    let mut words = line.splitn(3, ' ');
    let took: u128 = words.next().unwrap().parse().unwrap();
    let grown: u64 = words.next().unwrap().parse().unwrap();
    let told = words.next().unwrap();
    let as_expected = match hostile.expected {
        Expected::Fails(words) => told.starts_with("failed: ") && told.contains(words),
        Expected::Renders(text) => told.strip_prefix("rendered: ") == Some(text),
        Expected::Ends => true,
    };
    if std::env::var_os("TEAROFF_HOSTILE_SHOWN").is_some() {
        eprintln!("{:30} {took:6} ms {grown:7} KiB {}", hostile.name, told.chars().take(170).collect::<String>());
    }
    (took > MILLISECONDS || grown > KILOBYTES || !as_expected)
        .then(|| format!("{}: {took} ms, {grown} KiB, {told}", hostile.name))
}

#[test]
fn each_hostile_template_fails_alone() {
    let (corpus, next) = (corpus(), AtomicUsize::new(0));
    assert!(corpus.len() >= 45);
    let work = || {
        let take = || corpus.get(next.fetch_add(1, Ordering::Relaxed));
        std::iter::from_fn(take).filter_map(fault).collect::<Vec<_>>()
    };
    let faults: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn names_of_hostile_templates_are_their_own() {
    let mut names: Vec<_> = corpus().iter().map(|hostile| hostile.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// Isolated, a template ends as it does otherwise, or its child is ended: the message says so, and the next one renders.
#[test]
fn each_hostile_template_fails_alone_isolated() {
    let isolation = Isolation::new(env!("CARGO_BIN_EXE_tearoff"), ["isolated-renderer"]).unwrap();
    let renderer = Renderer::new(Limits::default()).isolated(isolation);
    let greet = || render_by(&renderer, Channel::Sms, "body.txt", "Hi {{ customer.first_name }}").unwrap();
    let (before, mut faults) = (status("VmRSS"), Vec::new());
    for hostile in corpus() {
        let start = Instant::now();
        let outcome = render_by(&renderer, hostile.channel, hostile.part, &hostile.source);
        let took = start.elapsed();
        assert_eq!(greet(), "Hi Ada");
        let as_expected = match (&outcome, &hostile.expected) {
            (Err(error), _) if error.contains("the template crashed the renderer") => true,
            (Err(error), Expected::Fails(words)) => error.escape_debug().to_string().contains(words),
            (Ok(text), Expected::Renders(wanted)) => {
                text.chars().take(200).collect::<String>().escape_debug().to_string() == *wanted
            }
            (_, Expected::Ends) => true,
            _ => false,
        };
        if took > ISOLATED || !as_expected {
            faults.push(format!("{}: {took:?}, {outcome:?}", hostile.name));
        }
    }
    let grown = status("VmHWM").saturating_sub(before);
    assert!(faults.is_empty() && grown < KILOBYTES, "{grown} KiB\n{}", faults.join("\n"));
}
