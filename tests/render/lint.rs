//! What is told of a template before a send, and, as important, what is not.

mod values;

use tearoff::render::{Finding, Limits, Renderer};
use tearoff::voucher::Channel;
use tempfile::TempDir;

fn lint(channel: Channel, files: &[(&str, &str)]) -> Vec<Finding> {
    let folder = TempDir::new().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    Renderer::new(Limits::default()).in_folder(folder.path()).lint("sale", channel).unwrap()
}

fn shown(findings: &[Finding]) -> Vec<String> {
    let shown = |f: &Finding| format!("{} {}:{}:{}", f.rule.as_str(), f.part, f.line, f.column);
    findings.iter().map(shown).collect()
}

/// The rules, lines and columns that are told of an e-mail's page.
#[track_caller]
fn page(source: &str, expected: &[&str]) {
    let findings = lint(Channel::Email, &[("sale/subject.txt", "Hi"), ("sale/body.html", source)]);
    let found: Vec<String> = shown(&findings).iter().map(|found| found.replace("body.html:", "")).collect();
    assert_eq!(found, expected, "{source}\n{findings:#?}");
}

/// The same, of several pages.
#[track_caller]
fn pages(cases: &[(&str, &[&str])]) {
    for (source, expected) in cases {
        page(source, expected);
    }
}

#[test]
fn what_only_looks_like_a_placeholder_is_told() {
    pages(&[
        ("é $cst.<b>x</b>.coupon$", &["near-placeholder 1:3"]),
        (
            "<a href=\"https://x/?c=%24cst.x.coupon%24\">\n$CST.x.COUPON$",
            &["near-placeholder 1:23", "near-placeholder 2:1"],
        ),
        (
            "&#36;cst.x.coupon&#36; $cst.x .coupon$ $cst.name$",
            &["near-placeholder 1:1", "near-placeholder 1:24", "near-placeholder 1:40"],
        ),
        ("$cst.a.coupon$cst.b.coupon$", &["near-placeholder 1:14"]),
        ("$<i>c</i>st.{{ x }}.coupon$", &["near-placeholder 1:1"]),
        ("{{ f('?c=$cst.a.coupon$') }}", &["near-placeholder 1:10"]),
        ("$cst.a.coupon$ $$cst.a.coupon$$ $5 $cst 100%24 {# $CST.x.COUPON$ #}{% raw %}$CST.x.COUPON${% endraw %}", &[]),
    ]);
    let helps = lint(Channel::Sms, &[("sale/body.txt", "$CST.spring.Coupon$")]);
    assert!(helps[0].help.starts_with("write $cst.spring.coupon$:"), "{helps:?}");
}

#[test]
fn claims_that_nobody_sees_are_told() {
    pages(&[
        ("{% set code = vouchers['x'].assign_available() %}", &["claim-not-shown 1:29"]),
        ("{% set v = vouchers.x.assign() %}{% if v.metadata.a %}b{% endif %}", &["claim-not-shown 1:23"]),
        ("{% if vouchers.x.assign() %}a{% endif %}$cst.y.coupon$", &["claim-not-shown 1:18"]),
        (
            "{% if a %}{% set v = vouchers.x.assign() %}{% else %}\n{% set v = vouchers.y.assign() %}{% endif %}",
            &["claim-not-shown 1:33", "claim-not-shown 2:23"],
        ),
        ("{% set code = vouchers.x.assign() %}{{ code }}", &[]),
        ("{% set code = vouchers.x.assign() %}{% set url = 'https://x/?c=' ~ code %}{{ url }}", &[]),
        ("{% set code = vouchers.x.assign() %}{{ vouchers['x'].assign_available() }}", &[]),
        ("{% set code = vouchers.x.assign() %}{% include x %}", &[]),
        ("{% if vouchers.x.count_available() > 0 %}{{ vouchers.x.assign() }}{% endif %}", &[]),
    ]);
    let files = [
        ("sale/subject.txt", "{% set v = vouchers.x.assign() %}"),
        ("sale/body.html", "{% set code = vouchers.x.assign() %}{% include '_partials/a.html' %}"),
        ("_partials/a.html", "{{ code }}{% set y = vouchers.y.assign() %}"),
    ];
    assert_eq!(shown(&lint(Channel::Email, &files)), ["claim-not-shown _partials/a.html:1:33"]);
}

#[test]
fn claims_in_loops_say_how_many_codes_they_take() {
    pages(&[
        ("{% for p in products %}\n{{ vouchers.x.assign() }}{% endfor %}", &["claim-in-loop 2:15"]),
        ("{% for p in products %}{{ vouchers.x.assign(cached=false) }}{% endfor %}", &["claim-in-loop 1:38"]),
        ("{% for _ in range(3) %}{{ vouchers.x.assign() }}{% endfor %}", &["claim-in-loop 1:38"]),
        ("{% for _ in range(3) %}{{ vouchers.x.assign(per='occurrence') }}{% endfor %}{{ vouchers.x.assign() }}", &[]),
        ("{% for p in products[:3] %}{{ vouchers.x.assign(cached=false) }}{% endfor %}", &[]),
        ("{% set few = (a or b)[:3] %}{% for p in few %}{{ vouchers.x.assign(cached=false) }}{% endfor %}", &[]),
        ("{% for p in products %}{{ vouchers.x.assign(per='message') }}$cst.y.coupon${% endfor %}", &[]),
        ("{% for p in products %}{{ p }}{% else %}{{ vouchers.x.assign() }}{% endfor %}", &[]),
    ]);
}

#[test]
fn claims_in_what_a_loop_includes_are_in_the_loop() {
    let inner =
        "a\n{{ vouchers.x.assign() }}{{ vouchers.y.assign(cached=false) }}{{ vouchers.z.assign(per='message') }}";
    let told = |page: &str| {
        let files = [
            ("sale/subject.txt", "Hi"),
            ("sale/body.html", page),
            ("_partials/a.html", "{% include '_partials/b.html' %}"),
            ("_partials/b.html", inner),
        ];
        lint(Channel::Email, &files)
    };
    let (one, many) = ("claim-in-loop _partials/b.html:2:15", "claim-in-loop _partials/b.html:2:40");
    let include = "{% include '_partials/a.html' %}";
    for (page, expected) in [
        (format!("\n{{% for p in products %}}{include}{{% endfor %}}"), &[one, many][..]),
        (format!("{{% for p in products[:3] %}}{{% for q in p %}}{include}{{% endfor %}}{{% endfor %}}"), &[one, many]),
        (format!("{{% for p in products[:3] %}}{include}{{% endfor %}}"), &[one]),
        (
            format!("{include}{{% for p in products %}}{{% if p %}}{include}{{% endif %}}{{% endfor %}}{include}"),
            &[one, many],
        ),
        (format!("{{% for p in products %}}{{% else %}}{include}{{% endfor %}}"), &[]),
        (format!("{{% for p in products %}}{{% import '_partials/b.html' as b %}}{{% endfor %}}{include}"), &[]),
    ] {
        assert_eq!(shown(&told(&page)), expected, "{page}");
    }
    let findings = told(&format!("\n{{% for p in products %}}{include}{{% endfor %}}"));
    let message = "this claim stands in a file that body.html includes in a loop, in line 2, and shows the same code in each round";
    assert_eq!(findings[0].message, message);
    let endless = [
        ("sale/body.txt", "{% for p in q %}{% include '_partials/c.txt' %}{% endfor %}"),
        ("_partials/c.txt", "{% include '_partials/c.txt' %}"),
    ];
    lint(Channel::Sms, &endless);
}

#[test]
fn tags_of_other_systems_are_told_with_what_to_write_here() {
    for (source, places, help) in [
        (
            "a {% promotion('spring25') %}",
            &["foreign-tag 1:3", "does-not-compile 1:6"][..],
            "vouchers['spring25'].assign_available()",
        ),
        (
            "{%- coupon_code 'X' %}",
            &["foreign-tag 1:1", "does-not-compile 1:5"],
            "vouchers['X'].assign_available(per='customer')",
        ),
        (
            "{{ coupon \"x\" }}",
            &["foreign-tag 1:1", "does-not-compile 1:11"],
            "vouchers['x'].assign_available(per='campaign')",
        ),
        ("a\n%%=ClaimRow(\"Codes\", \"C\")=%%", &["foreign-tag 2:1"], "vouchers['Codes'].assign_available()"),
        ("%%[ set @r = claimrowvalue('My codes') ]%%", &["foreign-tag 1:1"], "vouchers['POOL'].assign_available()"),
    ] {
        let findings = lint(Channel::Sms, &[("sale/body.txt", source)]);
        let found: Vec<String> = shown(&findings).iter().map(|found| found.replace("body.txt:", "")).collect();
        assert_eq!(found, places, "{source}");
        assert!(findings[0].help.contains(help), "{findings:?}");
    }
    page("100%%= {{ promotion.name }} {{ coupon }} {# {% coupon_code 'X' %} #}", &[]);
}

#[test]
fn what_does_not_compile_is_a_finding_with_the_engines_words() {
    let broken = lint(Channel::Sms, &[("sale/body.txt", "Hi\n{{ customer.name }")]);
    assert_eq!(shown(&broken), ["does-not-compile body.txt:2:18"]);
    assert_eq!(broken[0].message, "unexpected `}`, expected end of variable block");
    let partial = lint(
        Channel::Sms,
        &[("sale/body.txt", "{% include '_partials/a.txt' %}"), ("_partials/a.txt", "\n{% endif %}")],
    );
    assert_eq!((partial[0].part.as_str(), partial[0].line), ("_partials/a.txt", 2));
}

#[test]
fn a_text_message_has_one_segment() {
    let told = |text: &str| {
        let found = lint(Channel::Sms, &[("sale/body.txt", text)]);
        found.first().map(|found| (found.rule.as_str(), found.line, found.column, found.message.clone()))
    };
    let a = |times: usize| "a".repeat(times);
    let fitting = [
        a(160) + "\n",
        a(156) + "€€",
        a(69) + "’",
        format!("{}{{# {} #}}{{{{ x }}}}$cst.spring.coupon$", a(160), a(9)),
        format!("{{% if x %}}{}{{% else %}}{}{{% endif %}}", a(200), a(160)),
        format!("{}{{% for x in y %}}{}{{% endfor %}}", a(100), a(100)),
        format!("{}   \n{{%- if x %}}{}’{{% endif %}}", a(160), a(90)),
    ];
    for text in fitting {
        assert_eq!(told(&text), None, "{text}");
    }
    for (text, place, message) in [
        (a(161), (1, 1), "takes 2 segments at least: it has 161 characters"),
        (a(156) + "€€€", (1, 1), "takes 2 segments at least: it has 162 characters"),
        (a(307), (1, 1), "takes 3 segments at least"),
        (format!("a\n{}’", a(70)), (2, 71), "takes 2 segments at least: '’' is outside the GSM alphabet"),
        (format!("{{% if x %}}{}{{% else %}}{}{{% endif %}}", a(200), a(161)), (1, 1), "it has 161 characters"),
        (format!("{{% raw %}}{}{{% endraw %}}", a(161)), (1, 1), "it has 161 characters"),
    ] {
        let (rule, line, column, said) = told(&text).unwrap_or_else(|| panic!("nothing is told of {text}"));
        assert_eq!((rule, (line, column)), ("long-sms", place), "{text}");
        assert!(said.contains(message), "{said}");
    }
}

#[test]
fn an_email_is_shorter_than_what_gmail_clips() {
    let limit = 102 << 10;
    page(&"a".repeat(limit), &[]);
    page(&"a".repeat(limit + 1), &["large-email 1:1"]);
    let half = "a".repeat(limit / 2 + 1);
    let page = format!("{half}{{% include '_partials/a.html' %}}");
    let files = [("sale/subject.txt", "Hi"), ("sale/body.html", page.as_str()), ("_partials/a.html", half.as_str())];
    assert_eq!(shown(&lint(Channel::Email, &files)), ["large-email body.html:1:1"]);
}

#[test]
fn nothing_is_told_of_the_repositorys_templates() {
    let renderer = Renderer::new(Limits::default()).in_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"));
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with('_') {
            let channel = renderer.channel_of(&name).unwrap();
            assert_eq!(renderer.lint(&name, channel).unwrap(), [], "{name}");
        }
    }
}

#[test]
fn any_source_is_read_to_its_end() {
    for source in [
        "<",
        "<a",
        "<a href",
        "<a href=",
        "<aé>é</aé>",
        "<script>é</é",
        "{{",
        "{%",
        "{{#",
        "$cst.",
        "%24cst.<é",
        "$<b",
        "{% endif %}{% else %}{% endfor %}",
        "|safe)|safe",
        "{{ )|safe }}",
        "{% for in %}",
        "%%=claimrow",
        "{% set",
        "{% autoescape",
        "{% autoescape false %}{% endautoescape %}{% endautoescape %}é{{",
        "{#",
        " {# é #} é{# {% if %}{{ x",
        "<a onclick=\"{{",
    ] {
        lint(Channel::Email, &[("sale/subject.txt", source), ("sale/body.html", source)]);
        lint(Channel::WebPush, &[("sale/title.txt", source), ("sale/body.txt", source), ("sale/link.txt", source)]);
    }
}
