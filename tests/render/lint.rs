//! What is told of a template before a send, and, as important, what is not.

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

/// The rules, lines and columns of an e-mail's page.
#[track_caller]
fn page(source: &str, expected: &[&str]) {
    let findings = lint(Channel::Email, &[("sale/subject.txt", "Hi"), ("sale/body.html", source)]);
    let found: Vec<String> = shown(&findings).iter().map(|found| found.replace("body.html:", "")).collect();
    assert_eq!(found, expected, "{source}\n{findings:#?}");
}

#[test]
fn values_stand_between_quotes_and_in_scripts_as_json() {
    for (source, expected) in [
        ("<p>\n<a href={{ x }}>", &["unquoted-attribute 2:9"][..]),
        ("<a href=x{{ x }}>", &["unquoted-attribute 1:10"]),
        ("<a title = $cst.a.coupon$>", &["unquoted-attribute 1:12"]),
        ("<a {% if x %}href=\"{{ x }}\"{% else %}href={{ y }}{% endif %}>", &["unquoted-attribute 1:43"]),
        ("<script>é = {{ x }}</script>{{ x }}", &["script-value 1:13"]),
        ("<SCRIPT type=\"a\">\n'$cst.a.coupon$'</SCRIPT>", &["script-value 2:2"]),
        ("<script>{{ 'a' ~ x|int }}{{ x if y else 'z' }}</script>", &["script-value 1:9", "script-value 1:26"]),
        (
            "{{ x|safe }}{{ (x ~ '<br>')|safe }}{{ a.b()|safe }}",
            &["safe-filter 1:6", "safe-filter 1:29", "safe-filter 1:45"],
        ),
        ("{% set x = y|safe %}", &["safe-filter 1:14"]),
    ] {
        page(source, expected);
    }
}

#[test]
fn quoted_and_harmless_values_are_not_told() {
    for source in [
        "<a href=\"{{ x }}\" title='{{ y }}' {{ {'a': b}|xmlattr }}>{{ x }} = {{ y }}</a>",
        "<a href={% if x %}\"{{ x }}\"{% else %}\"{{ y }}\"{% endif %}>",
        "{% if x %}<script>{% else %}<p>{% endif %}{{ x }}",
        "<td width={{ x|int }} class={{ 'a' if x else 'b' }}>",
        "a < b = {{ x }} <!-- <a href={{ x }}> --> {# <a href={{ x }}> #}",
        "{% macro m() %}a={{ x }}{% endmacro %}<a {% set y %}b={{ x }}{% endset %}title=\"{{ x }}\">",
        "<script>a = {{ x|tojson }}; b = {{ 'true' if x else 'false' }}; c = {{ (x or 0)|int }}; d = {{ loop.index }}</script>",
        "<script>a = 'https://shop.example/?c={{ x|urlencode }}'</script><style>a{color:{{ x }}}</style>",
        "{{ '<br>'|safe }}{{ x|tojson|safe }}{{ button('x')|safe }}{{ x|e|safe }}",
        "{% raw %}{{ x|safe }}<a href={{ x }}>{% endraw %}",
    ] {
        page(source, &[]);
    }
    let text = lint(Channel::Sms, &[("sale/body.txt", "<a href={{ x }}>{{ x|safe }}")]);
    assert_eq!(shown(&text), [""; 0], "a text is no page");
}

#[test]
fn values_in_event_handlers_are_json_that_fits_into_the_attribute() {
    for (source, expected) in [
        ("<a onclick=\"f('{{ x }}')\">", &["script-value 1:16"][..]),
        ("<a\nOnClick='f({{ x|e }})'>", &["script-value 2:12"]),
        ("<p onmouseover=\"f('$cst.a.coupon$')\">", &["script-value 1:20"]),
        ("<a onclick=\"f({{ x|tojson }})\">", &["script-value 1:15"]),
        ("<a onclick={{ x }}>", &["unquoted-attribute 1:12"]),
        (
            "<a onclick=\"{% if y %}f({{ x }}){% else %}g({{ z|tojson|forceescape }}){% endif %}\">",
            &["script-value 1:25"],
        ),
        (
            "<a onclick='f({{ x|tojson }})' onload=\"f({{ x|tojson|forceescape }}, {{ n|int }}, {{ 'a' if x else 'b' }})\">",
            &[],
        ),
        ("<a on=\"{{ x }}\" one='{{ x|int }}' title=\"onclick='{{ x }}'\" data-onclick=\"{{ x }}\">", &[]),
    ] {
        page(source, expected);
    }
    let helps = |source: &str| lint(Channel::WebLayer, &[("sale/body.html", source)]).remove(0).help;
    assert_eq!(helps("<a onclick=\"f('{{ x }}')\">"), "write |tojson|forceescape at its end, and no quotes around it");
    let claim =
        "write {{ vouchers['POOL'].assign_available(per='customer')|tojson|forceescape }}, and no quotes around it";
    assert_eq!(helps("<a onclick=\"f('$cst.a.coupon$')\">"), claim);
}

#[test]
fn values_are_escaped_where_an_author_has_switched_escaping_off() {
    for (source, expected) in [
        ("{% autoescape false %}\n<p>{{ x }}</p>{% endautoescape %}{{ x }}", &["autoescape-off 2:4"][..]),
        (
            "{%- autoescape 'none' -%}é{{ a.b() }}$cst.a.coupon${% endautoescape %}",
            &["autoescape-off 1:27", "autoescape-off 1:38"],
        ),
        (
            "{% autoescape false %}{% autoescape true %}{{ x }}{% endautoescape %}{{ y ~ '<br>'|e }}{% endautoescape %}",
            &["autoescape-off 1:70"],
        ),
        ("{% autoescape false %}{{ x|safe }}{% endautoescape %}", &["safe-filter 1:28"]),
        (
            "{% autoescape false %}{{ x|e }}{{ x|tojson }}{{ n|int }}{{ 'a' if x ~ y else 'b' }}{{ button('x') ~ '<br>' ~ (x or y)|e }}{{ '<br>' }}{% endautoescape %}",
            &[],
        ),
        (
            "{% autoescape true %}{{ x }}{% endautoescape %}{% autoescape strict %}{{ x }}{% endautoescape %}{# {% autoescape false %} #}{{ x }}",
            &[],
        ),
    ] {
        page(source, expected);
    }
    let off = "{% autoescape false %}{{ x }}{% endautoescape %}";
    assert_eq!(shown(&lint(Channel::Sms, &[("sale/body.txt", off)])), [""; 0], "a text is not escaped anyway");
    let json = lint(Channel::Webhook, &[("sale/body.json", off)]);
    assert_eq!(
        (shown(&json), json[0].help.as_str()),
        (vec!["autoescape-off body.json:1:23".to_owned()], "end the block before it, or write |tojson at its end")
    );
}

#[test]
fn parts_that_are_an_address_have_a_scheme_and_encoded_values() {
    let told = |channel: Channel, part: &str, source: &str| {
        let files = [("sale/title.txt", "Hi"), ("sale/body.txt", "Hi"), (&*format!("sale/{part}"), source)];
        let found = lint(channel, &files);
        shown(&found).iter().map(|found| found.replace(&format!("{part}:"), "")).collect::<Vec<_>>()
    };
    for (source, expected) in [
        ("javascript:f()", &["link-scheme 1:1"][..]),
        ("\n  JavaScript:f({{ x }})\n", &["link-scheme 2:3", "url-value 2:16"]),
        ("{% if a %}vbscript:x{% else %}https://x{% endif %}", &["link-scheme 1:11"]),
        ("{# home #}data:text/html,x", &["link-scheme 1:11"]),
        ("https://x/?c={{ vouchers.a.assign() }}&n={{ n|int }}", &["url-value 1:14"]),
        ("https://x/$cst.a.coupon$?u={{ customer.name|lower }}", &["url-value 1:11", "url-value 1:28"]),
        ("{% if a %}https://x/{{ b }}{% else %}{{ url }}{% endif %}{{ rest }}", &["url-value 1:21", "url-value 1:58"]),
        ("https://x/?c={{ vouchers.a.assign()|urlencode }}{% if y %}&y={{ y|urlencode }}{% endif %}\n", &[]),
        ("{% set u = 'https://x/' %}\n{{ u }}{{ x|lower|urlencode }}{{ 'a' if x else 'b' }}\n", &[]),
        ("{{ product.url }}", &[]),
        ("https://{{ domain }}/", &[]),
        ("mailto:shop@x", &[]),
    ] {
        assert_eq!(told(Channel::WebPush, "link.txt", source), expected, "{source}");
    }
    assert_eq!(told(Channel::Mms, "media.txt", "mailto:a@b"), ["link-scheme 1:1"]);
    assert_eq!(told(Channel::Mms, "media.txt", "https://x/{{ sku }}.png"), ["url-value 1:11"]);
    assert_eq!(told(Channel::WebPush, "body.txt", "javascript:{{ x }}"), [""; 0], "a text is no address");
    let helps = lint(Channel::Mms, &[("sale/body.txt", "x"), ("sale/media.txt", "https://x/{{ sku }}/$cst.a.coupon$")]);
    assert_eq!(helps[0].help, "write |urlencode at its end");
    assert_eq!(helps[1].help, "write {{ vouchers['POOL'].assign_available(per='customer')|urlencode }}");
}

#[test]
fn links_lead_to_where_readers_can_follow() {
    for (source, expected) in [
        ("<a href=\"javascript:f({{ x }})\">", &["link-scheme 1:10"][..]),
        (
            "<a href=' java&#115;cript:f()'><img src=data:image/png;base64,AA>",
            &["link-scheme 1:10", "link-scheme 1:41"],
        ),
        ("<a href=\"{% if a %}ftp://x{% else %}vbscript:x{% endif %}\">", &["link-scheme 1:20", "link-scheme 1:37"]),
        ("{% raw %}<a href=\"javascript:f()\">{% endraw %}", &["link-scheme 1:19"]),
        ("<a href=\"https://x\"><a href='HTTP://x'><a href='mailto:a@b'><a href='tel:1'><img src='cid:logo'>", &[]),
        (
            "<a href=\"{{ x }}\"><a href=\"{{ x }}:y\"><a href='#a:b'><a href='/a:b'><a href='//x/a:b'><a title='b:c'>",
            &[],
        ),
    ] {
        page(source, expected);
    }
    let picture = ("sale/body.html", "<img src='data:image/png;base64,AA'>");
    assert_eq!(shown(&lint(Channel::WebLayer, &[picture])), [""; 0], "browsers show it");
}

#[test]
fn what_only_looks_like_a_placeholder_is_told() {
    for (source, expected) in [
        ("é $cst.<b>x</b>.coupon$", &["near-placeholder 1:3"][..]),
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
    ] {
        page(source, expected);
    }
    let helps = lint(Channel::Sms, &[("sale/body.txt", "$CST.spring.Coupon$")]);
    assert!(helps[0].help.starts_with("write $cst.spring.coupon$:"), "{helps:?}");
}

#[test]
fn claims_that_nobody_sees_are_told() {
    for (source, expected) in [
        ("{% set code = vouchers['x'].assign_available() %}", &["claim-not-shown 1:29"][..]),
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
    ] {
        page(source, expected);
    }
    let files = [
        ("sale/subject.txt", "{% set v = vouchers.x.assign() %}"),
        ("sale/body.html", "{% set code = vouchers.x.assign() %}{% include '_partials/a.html' %}"),
        ("_partials/a.html", "{{ code }}{% set y = vouchers.y.assign() %}"),
    ];
    assert_eq!(shown(&lint(Channel::Email, &files)), ["claim-not-shown _partials/a.html:1:33"]);
}

#[test]
fn claims_in_loops_say_how_many_codes_they_take() {
    for (source, expected) in [
        ("{% for p in products %}\n{{ vouchers.x.assign() }}{% endfor %}", &["claim-in-loop 2:15"][..]),
        ("{% for p in products %}{{ vouchers.x.assign(cached=false) }}{% endfor %}", &["claim-in-loop 1:38"]),
        ("{% for _ in range(3) %}{{ vouchers.x.assign() }}{% endfor %}", &["claim-in-loop 1:38"]),
        ("{% for _ in range(3) %}{{ vouchers.x.assign(per='occurrence') }}{% endfor %}{{ vouchers.x.assign() }}", &[]),
        ("{% for p in products[:3] %}{{ vouchers.x.assign(cached=false) }}{% endfor %}", &[]),
        ("{% set few = (a or b)[:3] %}{% for p in few %}{{ vouchers.x.assign(cached=false) }}{% endfor %}", &[]),
        ("{% for p in products %}{{ vouchers.x.assign(per='message') }}$cst.y.coupon${% endfor %}", &[]),
        ("{% for p in products %}{{ p }}{% else %}{{ vouchers.x.assign() }}{% endfor %}", &[]),
    ] {
        page(source, expected);
    }
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
