//! Values where escaping does not protect, and addresses.

use tearoff::voucher::Channel;

use super::{lint, page, pages, shown};

#[test]
fn values_stand_between_quotes_and_in_scripts_as_json() {
    pages(&[
        ("<p>\n<a href={{ x }}>", &["unquoted-attribute 2:9"]),
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
    ]);
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
    pages(&[
        ("<a onclick=\"f('{{ x }}')\">", &["script-value 1:16"]),
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
    ]);
    let helps = |source: &str| lint(Channel::WebLayer, &[("sale/body.html", source)]).remove(0).help;
    assert_eq!(helps("<a onclick=\"f('{{ x }}')\">"), "write |tojson|forceescape at its end, and no quotes around it");
    let claim =
        "write {{ vouchers['POOL'].assign_available(per='customer')|tojson|forceescape }}, and no quotes around it";
    assert_eq!(helps("<a onclick=\"f('$cst.a.coupon$')\">"), claim);
}

#[test]
fn values_are_escaped_where_an_author_has_switched_escaping_off() {
    pages(&[
        ("{% autoescape false %}\n<p>{{ x }}</p>{% endautoescape %}{{ x }}", &["autoescape-off 2:4"]),
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
    ]);
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
    pages(&[
        ("<a href=\"javascript:f({{ x }})\">", &["link-scheme 1:10"]),
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
    ]);
    let picture = ("sale/body.html", "<img src='data:image/png;base64,AA'>");
    assert_eq!(shown(&lint(Channel::WebLayer, &[picture])), [""; 0], "browsers show it");
}
