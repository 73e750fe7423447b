//! The OpenAPI document: valid, the same as the committed one, and kept by the service under a fuzzer.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::python::python;
use crate::service::{Running, Shop};

/// Set, it has the committed document written anew.
const UPDATE: &str = "TEAROFF_UPDATE";
/// Set, it has the fuzzer try for longer.
const LONG: &str = "TEAROFF_LONG";

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json")
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let answer = Running::start().get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let served = String::from_utf8(answer.body).unwrap();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(committed(), &served).unwrap();
    }
    let known = std::fs::read_to_string(committed()).unwrap_or_default();
    assert!(
        served == known,
        "docs/openapi.json is not what is served: run '{UPDATE}=1 cargo test --test http document'"
    );
}

#[test]
fn the_document_is_valid_openapi_3_1() {
    let document: Value = serde_json::from_slice(&std::fs::read(committed()).unwrap()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let check = python().args(["-m", "openapi_spec_validator"]).arg(committed()).output().unwrap();
    assert!(check.status.success(), "{}{}", text(&check.stdout), text(&check.stderr));
}

#[test]
fn every_call_is_explained() {
    let document: Value = serde_json::from_slice(&std::fs::read(committed()).unwrap()).unwrap();
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut seen = Vec::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let place = format!("{method} {path}");
            assert!(
                call["summary"].as_str().is_some_and(|summary| summary.ends_with('.')),
                "{place} says what it does"
            );
            assert!(tags.contains(&&call["tags"][0]), "{place}: there is no tag {}", call["tags"][0]);
            for (status, response) in call["responses"].as_object().unwrap() {
                let described = response["description"].as_str().is_some_and(|description| !description.is_empty());
                assert!(described, "{place}: {status} says what it means");
                let is_problem = status.as_str() >= "400";
                let content = response["content"].as_object();
                let has_problem = content.is_some_and(|content| content.contains_key("application/problem+json"));
                assert!(!is_problem || has_problem, "{place}: {status} is a problem");
            }
            seen.push(call["operationId"].as_str().unwrap());
        }
    }
    let calls = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), calls, "two calls have one name");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Tries every example, in the order of the document.
#[test]
fn every_example_works() {
    let service = furnished();
    let document = service.get("/openapi.json").json();
    let mut wrong = Vec::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            let place = format!("{method} {path}");
            let path = filled_in(path, &call["parameters"]);
            let (kind, body) = example_body(&document, &call["requestBody"]);
            let headers = if kind.is_empty() { vec![] } else { vec![("Content-Type", kind)] };
            let answer = service.call(&method.to_uppercase(), &path, &headers, &body);
            if !(200..300).contains(&answer.status) {
                wrong.push(format!("{place}: {} {}", answer.status, text(&answer.body)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A path with the examples of its parameters.
fn filled_in(path: &str, parameters: &Value) -> String {
    let of_path = parameters.as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "path");
    of_path.fold(path.to_owned(), |path, parameter| {
        let example = parameter["example"].as_str().or(parameter["schema"]["example"].as_str());
        path.replace(
            &format!("{{{}}}", parameter["name"].as_str().unwrap()),
            example.expect("a parameter has an example"),
        )
    })
}

/// The first type of a call's body that has an example, and this example: one of its own, or that of its schema.
fn example_body<'a>(document: &Value, body: &'a Value) -> (&'a str, Vec<u8>) {
    let contents = body["content"].as_object().into_iter().flatten();
    let found = contents.map(|(kind, content)| match &content["example"] {
        Value::Null => (kind.as_str(), example(document, &content["schema"])),
        given => (kind.as_str(), given.clone()),
    });
    match found.into_iter().find(|(_, example)| !example.is_null()) {
        Some((kind, Value::String(lines))) if kind != "application/json" => (kind, lines.into_bytes()),
        Some((kind, example)) => (kind, example.to_string().into_bytes()),
        None => ("", Vec::new()),
    }
}

/// The example of a schema; of an object without one, those of its properties.
fn example(document: &Value, schema: &Value) -> Value {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    match (&schema["example"], schema["properties"].as_object()) {
        (Value::Null, Some(properties)) => {
            let examples = properties.iter().map(|(name, schema)| (name.clone(), example(document, schema)));
            examples.filter(|(_, example)| !example.is_null()).collect()
        }
        (example, _) => example.clone(),
    }
}

/// A service over pools, templates and layers, so that what the fuzzer tries can succeed.
fn furnished() -> Running {
    let shop = Shop::new();
    shop.stock("spring", "SPR", 5_000);
    shop.write("one.txt", "SPR-7Q2K\n");
    shop.tearoff(&["pool", "import", "spring", "one.txt"]);
    shop.stock("vip", "VIP", 10);
    shop.write("templates/welcome/subject.txt", "Hi {{ customer.first_name }}");
    shop.write("templates/welcome/body.html", "<p>{{ vouchers.spring.assign_available() }}</p>");
    shop.write("templates/hi/body.txt", "{{ vouchers.vip.assign_available() }}");
    shop.write("templates/spring/body.html", "<b>{{ vouchers.spring.assign_available() }}</b>");
    shop.write("tearoff.toml", LAYER);
    // The message that the examples release.
    let message = ["render", "hi", "--channel", "sms", "--message-id", "hello/c42", "--customer", r#"{"id": "c42"}"#];
    shop.tearoff(&message);
    shop.serve()
}

/// A layer that anybody may see, as often as a fuzzer asks.
const LAYER: &str = r#"
[visitors]
keys = [{ id = "a", secret = "0123456789abcdef0123456789abcdef" }]

[layers.spring]
anonymous = true
displays_per_minute = 1000000
per_visitor_per_minute = 1000000
per_address_per_minute = 1000000
"#;

/// The document without what would take minutes for each try.
fn within_reason(mut document: Value) -> Value {
    if let Some(count) = document.pointer_mut("/components/schemas/GenerationRequest/properties/count/maximum") {
        *count = 1_000.into();
    }
    document
}

/// Everything that the document says of answers is checked; of requests, that nothing fails on ours.
#[test]
fn a_fuzzer_finds_no_answer_that_is_not_documented() {
    let service = furnished();
    let is_long = std::env::var_os(LONG).is_some();
    let (seconds, examples) = if is_long { ("600", "500") } else { ("30", "25") };
    let mut fuzzer = python();
    let teachings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    fuzzer.env("PYTHONPATH", teachings).env("SCHEMATHESIS_HOOKS", "ndjson");
    fuzzer.args(["-m", "schemathesis.cli", "run", "--no-color", "--workers", "2", "--generation-database", "none"]);
    fuzzer.args([
        "--checks",
        CHECKS,
        "--max-time",
        seconds,
        "--max-examples",
        examples,
        "--suppress-health-check",
        "all",
    ]);
    fuzzer.args(["--request-timeout", "60", "--max-failures", "20"]);
    if !is_long {
        // A change has to be judged by what it changes. Long runs try something else every time.
        fuzzer.args(["--seed", "20261128"]);
    }
    service.shop.write("tried.json", within_reason(service.get("/openapi.json").json()).to_string());
    fuzzer.args(["tried.json", "--url", &format!("http://{}", service.address())]);
    let run = fuzzer.current_dir(service.shop.path("")).output().unwrap();
    assert!(run.status.success(), "{}{}", text(&run.stdout), text(&run.stderr));
    assert_eq!(service.get("/healthz").status, 200, "it lives");
}

/// What is checked of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,unsupported_method,allow_header_conformance";
