//! The templates, by what they try to exhaust.

use tearoff::voucher::Channel;

/// How a template ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// With an error that has these words.
    Fails(&'static str),
    /// With this text, escaped as `Debug` does it.
    Renders(&'static str),
    /// Either way.
    Ends,
}

/// A template that means harm.
#[derive(Debug)]
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) channel: Channel,
    pub(crate) part: &'static str,
    pub(crate) source: String,
    pub(crate) expected: Expected,
}

use Expected::{Ends, Fails, Renders};

const GROWS: &str = "limits.text_bytes";
const LONG: &str = "too long";
const STEPS: &str = "limits.instructions";
const NESTED: &str = "limits.nesting";

pub(crate) fn corpus() -> Vec<Hostile> {
    let text = [growing(), filtering(), repeating(), comparing(), nesting(), chained(), lying()].into_iter().flatten();
    let mut all: Vec<Hostile> = text
        .map(|(name, source, expected)| Hostile { name, channel: Channel::Sms, part: "body.txt", source, expected })
        .collect();
    let doubled = "{% set ns = namespace(x='<a>') %}{% for i in range(60) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}{{ ns.x }}";
    for (name, source, expected) in [
        ("html doubling", doubled.to_owned(), Fails("")),
        ("html urlize", "{{ ('http://a.b ' * 90000)|urlize|urlize|urlize|urlize }}".to_owned(), Ends),
        (
            "html xmlattr",
            "{{ {'a': '<' * 1000000}|xmlattr }}{{ dict(a='<' * 9000000)|xmlattr }}".to_owned(),
            Fails("limits."),
        ),
        ("html open elements", "<b>".repeat(80_000), Ends),
    ] {
        all.push(Hostile { name, channel: Channel::Email, part: "body.html", source, expected });
    }
    all
}

type Row = (&'static str, String, Expected);

fn rows<const N: usize>(rows: [(&'static str, &str, Expected); N]) -> Vec<Row> {
    rows.map(|(name, source, expected)| (name, source.to_owned(), expected)).into()
}

/// A step of a loop that makes a text longer each time.
fn step(expression: &str) -> String {
    format!(
        "{{% set ns = namespace(x='abcdefgh') %}}{{% for i in range(60) %}}{{% set ns.x = {expression} %}}{{% endfor %}}{{{{ ns.x }}}}"
    )
}

/// Texts that double.
fn growing() -> Vec<Row> {
    let steps = [
        ("doubling by ~", "ns.x ~ ns.x"),
        ("doubling by +", "ns.x + ns.x"),
        ("doubling by *", "ns.x * 2"),
        ("doubling by * from the right", "9 * ns.x"),
        ("doubling by join", "[ns.x, ns.x]|join"),
        ("doubling by a long join", "range(1000)|join(ns.x)"),
        ("doubling by replace", "ns.x|replace('a', ns.x)"),
        ("doubling by format", "'%s%s'|format(ns.x, ns.x)"),
        ("doubling by %", "'%s%s' % (ns.x, ns.x)"),
        ("doubling by .format", "'{0}{0}'.format(ns.x)"),
        ("doubling by .join", "ns.x.join([ns.x, ns.x])"),
        ("doubling by .replace", "ns.x.replace('a', ns.x)"),
        ("doubling by pprint", "[ns.x, ns.x]|pprint"),
        ("doubling by tojson", "[ns.x, ns.x]|tojson"),
        ("doubling by string", "[ns.x, ns.x]|string"),
        ("doubling by ~ of lists", "[ns.x, ns.x] ~ ''"),
        ("doubling by wordwrap", "ns.x|wordwrap(1, wrapstring=ns.x)"),
        ("doubling by urlencode", "(ns.x ~ '%')|urlencode|urlencode|urlencode"),
        ("doubling by sum", "[ns.x, ns.x]|sum(start='')"),
        ("doubling lists by +", "[ns.x] + [ns.x] + [ns.x]"),
        ("chained ~", "ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x ~ ns.x"),
    ];
    let mut found: Vec<Row> = steps.into_iter().map(|(name, by)| (name, step(by), Ends)).collect();
    for row in &mut found {
        row.2 = match row.0 {
            "doubling by %" | "doubling by urlencode" => Ends,
            "doubling lists by +" => Fails("more than 10000 values"),
            _ => Fails(GROWS),
        };
    }
    found.extend(rows([
        ("doubling by macro arguments", "{% macro m(x, n) %}{% if n %}{{ m(x ~ x, n - 1) }}{% endif %}{% endmacro %}{{ m('abcd', 60) }}", Fails(NESTED),),
        ("doubling by with", &("{% with x = 'abcdefgh' %}".to_owned() + &"{% with x = x ~ x %}".repeat(60) + &"{% endwith %}".repeat(61)), Fails("")),
        ("doubling by captures", &("{% set x = 'abcdefgh' %}".to_owned() + &"{% set x %}{{ x }}{{ x }}{% endset %}".repeat(60)), Fails(GROWS)),
        ("doubling by filter blocks", &("{% set x = 'abcdefgh' %}".to_owned() + &"{% set x %}{% filter upper %}{{ x }}{{ x }}{% endfilter %}{% endset %}".repeat(60)), Fails(GROWS)),
        ("doubling by caller", "{% macro m(n) %}{{ caller() }}{{ caller() }}{% if n %}{% call m(n - 1) %}{{ caller() }}{{ caller() }}{% endcall %}{% endif %}{% endmacro %}{% call m(30) %}abcdefgh{% endcall %}", Fails(""),),
        ("a list that doubles", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}{{ ns.x }}", Fails("")),
        ("a list that doubles in with", &("{% set x = [1] %}".to_owned() + &"{% set x = x + x %}".repeat(60) + "{{ x|list|length }}"), Fails("")),
        ("dicts in dicts", &step("dict(a=ns.x, b=ns.x)"), Ends),
        ("dicts that double", &("{% set d = {'a': 1} %}".to_owned() + &"{% set d = {'a': d, 'b': d} %}".repeat(60) + "{{ d }}"), Fails("")),
        ("lists that double", &("{% set d = [1] %}".to_owned() + &"{% set d = [d, d] %}".repeat(60) + "{{ d|tojson }}"), Fails("")),
        ("lists that double, joined", &("{% set d = [1] %}".to_owned() + &"{% set d = [d, d] %}".repeat(60) + "{{ d ~ '' }}"), Fails("")),
    ]));
    found
}

/// Filters that are asked for much.
fn filtering() -> Vec<Row> {
    let mut found = rows([
        ("* of 1e8", "{{ ('a' * 10**8)|length }}", Fails(GROWS)),
        ("* of 1e9", "{{ 'a' * 10**9 }}", Fails("")),
        (
            "many * of 1e8 joined",
            "{{ (('a' * 10**8) ~ ('a' * 10**8) ~ ('a' * 10**8) ~ ('a' * 10**8))|length }}",
            Fails(GROWS),
        ),
        ("* of a list", "{{ ([1] * 100000000)|list|length }}", Fails("")),
        ("* of a list, sorted", "{{ ([1] * 100000000)|sort|length }}", Fails("")),
        ("* of a list, printed", "{{ [1] * 100000000 }}", Fails("")),
        ("* of a list, joined", "{{ (([1] * 100000000) ~ '')|length }}", Fails("")),
        ("wide center", "{{ 'a'|center(2000000000) }}", Fails("limit")),
        ("wide ljust", "{{ 'a'.ljust(2000000000) }}", Fails("")),
        ("wide indent", "{{ 'a\nb'|indent(2000000000) }}", Fails("limit")),
        ("wide format", "{{ '%2000000000d'|format(1) }}", Fails("")),
        ("precise format", "{{ '%.2000000000f'|format(1.5) }}", Fails("")),
        ("wide .format", "{{ '{:2000000000}'.format(1) }}", Fails("")),
        ("wide tojson", "{{ [1]|tojson(indent=2000000000) }}", Fails("limit")),
        ("large batch", "{{ [1]|batch(2000000000, 'x')|list }}", Fails("limit")),
        ("large slice", "{{ [1]|slice(2000000000, 'x')|list }}", Fails("limit")),
        ("large lipsum", "{{ lipsum(n=1000000000) }}", Fails("")),
        ("large lipsum paragraphs", "{{ lipsum(n=1, min=100000000, max=1000000000) }}", Fails("")),
        ("replace of nothing", "{{ ('a' * 900000)|replace('', 'b' * 900000) }}", Fails(GROWS)),
        (
            "upper many times",
            "{% set x = 'a' * 1000000 %}{% for i in range(5000) %}{% set y = x|upper %}{% endfor %}",
            Fails(GROWS),
        ),
        (
            "upper of 50 MB",
            "{% set x = 'a' * 50000000 %}{% for i in range(5000) %}{% set y = x|upper %}{% endfor %}",
            Fails(GROWS),
        ),
        (
            "method many times",
            "{% set x = 'a' * 1000000 %}{% for i in range(5000) %}{% set y = x.upper() %}{% endfor %}",
            Fails(GROWS),
        ),
        (
            "large sort",
            "{% for i in range(5000) %}{% set y = range(100000)|sort(reverse=true) %}{% endfor %}",
            Fails(GROWS),
        ),
        ("large unique", "{% for i in range(5000) %}{% set y = range(100000)|unique|list %}{% endfor %}", Fails(GROWS)),
        (
            "large groupby",
            "{% for i in range(5000) %}{% set y = range(100000)|groupby('x') %}{% endfor %}",
            Fails(GROWS),
        ),
        (
            "large map",
            "{% for i in range(5000) %}{% set y = range(100000)|map('string')|list %}{% endfor %}",
            Fails("limits."),
        ),
        ("large list", "{% for i in range(5000) %}{% set y = range(100000)|list %}{% endfor %}", Fails(GROWS)),
        (
            "large reverse",
            "{% for i in range(5000) %}{% set y = range(100000)|reverse|list %}{% endfor %}",
            Fails(GROWS),
        ),
        (
            "large select",
            "{% for i in range(5000) %}{% set y = range(100000)|select('odd')|list %}{% endfor %}",
            Fails("limits."),
        ),
        (
            "large dictsort",
            "{% for i in range(5000) %}{% set y = dict(range(50000)|batch(2))|dictsort %}{% endfor %}",
            Fails(GROWS),
        ),
        ("large translate", "{{ ('a' * 1000000).translate({97: 'b' * 1000000}) }}", Fails(GROWS)),
        ("large expandtabs", "{{ ('\t' * 1000000).expandtabs(100000) }}", Fails("")),
        (
            "large split",
            "{% for i in range(5000) %}{% set y = (('a,') * 100000).split(',') %}{% endfor %}",
            Fails(GROWS),
        ),
        (
            "in of a long text",
            "{% set x = 'a' * 1000000 %}{% for i in range(1000) %}{% if 'b' in x %}{% endif %}{% endfor %}",
            Ends,
        ),
        ("wrong .format", "{{ ('{' * 100000).format(1) }}{{ ('{0' * 100000).format(1) }}", Fails("")),
        (
            "cycler and joiner",
            "{% set c = cycler('a', 'b') %}{% set j = joiner(',') %}{% for a in range(1000) %}{% for b in range(1000) %}{{ c.next() }}{{ j() }}{% endfor %}{% endfor %}",
            Fails("limits."),
        ),
    ]);
    let class = "{{ ''.__class__.__mro__ }}{{ ''|attr('__class__') }}{{ config }}{{ self }}{{ request }}";
    found.push(("names of Python", class.to_owned(), Renders("")));
    found
}

/// Loops, macros and inclusions without an end.
fn repeating() -> Vec<Row> {
    let loops = "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}";
    let literal = |within: [&str; 2]| {
        format!("{}{{% for a in range(100000) %}}{}{{% endfor %}}{}", within[0], "0123456789".repeat(10_000), within[1])
    };
    let mut found = rows([
        ("nested ranges", loops, Fails(STEPS)),
        ("range of 1e9", "{% for a in range(10**9) %}{% endfor %}", Fails("")),
        ("a macro that calls itself", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", Fails("limits.")),
        (
            "macros that call each other",
            "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
            Ends,
        ),
        ("a loop that calls itself", "{% for a in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}", Fails("limits.")),
        ("an include of itself", "{% include '_p/self.txt' %}", Fails(NESTED)),
        ("a parent of itself", "{% extends '_p/parent.txt' %}", Fails("")),
        (
            "loop as a value",
            "{% for a in [1] %}{% set x = [loop, loop.__class__, loop.previtem] %}{{ x }}{% endfor %}",
            Ends,
        ),
        (
            "an include many times",
            "{% set x %}{% for a in range(100000) %}{% include '_p/long.txt' %}{% endfor %}{% endset %}",
            Ends,
        ),
    ]);
    found.push(("literal in a loop", literal(["", ""]), Fails("limits.output_bytes")));
    found.push(("literal in a captured loop", literal(["{% set x %}", "{% endset %}"]), Fails(GROWS)));
    found.push((
        "literal in a macro's loop",
        literal(["{% macro m() %}", "{% endmacro %}{% set x = m() %}"]),
        Fails(GROWS),
    ));
    found.push((
        "short literals in a captured loop",
        "{% set x %}{% for a in range(100000) %}{% for b in range(10) %}".to_owned()
            + &"0123456789".repeat(6)
            + "{% endfor %}{% endfor %}{% endset %}",
        Fails("limits."),
    ));
    found
}

/// Values and blocks inside each other.
/// Comparisons of what is small to write and large to read.
fn comparing() -> Vec<Row> {
    let shared =
        "{% set a = [1] %}{% set b = [1] %}".to_owned() + &"{% set a = [a, a] %}{% set b = [b, b] %}".repeat(50);
    let compared = |name, expression: &str| (name, format!("{shared}{{{{ {expression} }}}}"), Fails(GROWS));
    let long = "{% set t = 'a' * 1000000 %}{% set l = range(50000)|list %}{% for i in range(90000) %}{% set x = ";
    let again =
        |name, expression: &str| (name, format!("{long}{expression} %}}{{% endfor %}}"), Fails("raise limits."));
    let chained = |value: &str| format!("{{% set x = {value} %}}{}", "{% set x = x|chain(x) %}".repeat(60));
    vec![
        compared("==", "a == b"),
        compared("!= in a condition", "1 if a != b else 2"),
        compared("<=", "a <= b"),
        compared("in", "b in [a]"),
        compared("not in", "b not in [a]"),
        compared("in a text", "a in 'x'"),
        compared("is eq", "a is eq b"),
        compared("is in", "a is in [b]"),
        compared("select", "[a]|select('==', b)|list"),
        compared("selectattr", "[{'x': a}]|selectattr('x', '==', b)|list"),
        compared("sort", "[a, b]|sort"),
        compared("unique", "[a, b]|unique"),
        compared("min", "[a, b]|min"),
        compared("max", "[a, b]|max"),
        compared("dictsort", "{'a': a, 'b': b}|dictsort(by='value')"),
        compared("groupby", "[{'x': a}, {'x': b}]|groupby('x')"),
        compared("pprint", "a|pprint"),
        ("nothing again and again", format!("{long}i %}}{{% endfor %}}"), Renders("")),
        again("== again and again", "t == t ~ ''"),
        again("in again and again", "'b' in t"),
        again("in a list again and again", "-1 in l"),
        again("reverse again and again", "l|reverse"),
        again("select again and again", "l|select('odd')"),
        again("chain again and again", "l|chain(l)"),
        again("zip again and again", "l|zip(l)"),
        again("a slice again and again", "l[::-1]"),
        again("a letter again and again", "t[999999]"),
        again("a name again and again", "{t: 1}"),
        again("a test again and again", "t is lower"),
        again("a condition again and again", "1 %}{% if t[::2] %}{% endif"),
        again("a loop again and again", "1 %}{% for x in l[::-1][:1] %}{% endfor"),
        ("lines", "{{ ('\n' * 4000000)|lines|length }}".to_owned(), Fails(GROWS)),
        ("chains of lists", chained("[1]") + "{{ x|length }}", Fails(GROWS)),
        ("chains of dicts", chained("{'a': 1}") + "{{ x.b }}", Renders("")),
        ("chains of anything", chained("range(2)") + "{{ x|length }}", Fails(GROWS)),
    ]
}

fn nesting() -> Vec<Row> {
    let blocks = |open: &str, close: &str| format!("{}x{}", open.repeat(1000), close.repeat(1000));
    let mut found = rows([
        ("a namespace in itself", "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", Fails("namespace")),
        ("a namespace in its list", "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns }}", Fails("namespace")),
        ("a namespace in its dict", "{% set ns = namespace() %}{% set ns.x = {'a': ns} %}{{ ns }}", Fails("namespace")),
        (
            "a namespace in its cycler",
            "{% set ns = namespace() %}{% set ns.x = cycler(ns) %}{{ ns.x }}",
            Fails("namespace"),
        ),
        (
            "a list nested by a loop",
            "{% set ns = namespace(x=[]) %}{% for i in range(20000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
            Fails("nested deeper"),
        ),
        (
            "a list nested by arguments",
            "{% macro m(x, n) %}{% if n %}{{ m([x], n - 1) }}{% else %}{{ x }}{% endif %}{% endmacro %}{{ m([], 20000) }}",
            Fails(NESTED),
        ),
    ]);
    found.push((
        "a list nested by set",
        "{% set x = [] %}".to_owned() + &"{% set x = [x] %}".repeat(12_000) + "{{ x }}",
        Fails("nested deeper"),
    ));
    found.push(("nested if", blocks("{% if 1 %}", "{% endif %}"), Fails("")));
    found.push(("nested for", blocks("{% for i in [1] %}", "{% endfor %}"), Fails("")));
    found.push(("nested parentheses", format!("{{{{ {}1{} }}}}", "(".repeat(1000), ")".repeat(1000)), Fails("")));
    found.push(("nested lists", format!("{{{{ {}1{} }}}}", "[".repeat(1000), "]".repeat(1000)), Fails("")));
    found
}

/// Chains that a compiler follows.
fn chained() -> Vec<Row> {
    let chains = [
        ("+ chain", "1", "+1", 6000),
        ("~ chain", "1", "~1", 6000),
        ("not chain", "", "not ", 6000),
        ("** chain", "1", "**1", 6000),
        ("attribute chain", "b", ".b", 10_000),
        ("filter chain", "b", "|upper", 10_000),
        ("ternary chain", "1", " if 1 else 1", 6000),
        ("subscript chain", "b", "[0]", 10_000),
        ("and chain", "1", " and 1", 6000),
        ("is chain", "1", " is odd", 6000),
        ("comparison chain", "1", " < 1", 6000),
        ("minus chain", "", "-", 6000),
    ];
    let chain = |(name, first, link, count): (_, &str, &str, usize)| {
        (name, format!("{{{{ {first}{} }}}}", link.repeat(count)), Fails(LONG))
    };
    let mut found = Vec::from(chains.map(chain));
    found.push(("elif chain", "{% if 0 %}".to_owned() + &"{% elif 0 %}".repeat(2000) + "{% endif %}", Fails(LONG)));
    found.push((
        "filter block chain",
        format!("{{% filter {}upper %}}x{{% endfilter %}}", "upper|".repeat(5000)),
        Fails(LONG),
    ));
    found.push(("10,000 set", "{% set x = 1 %}".repeat(10_000), Renders("")));
    found.push(("100,000 elements", format!("{{{{ [{}]|length }}}}", "1,".repeat(100_000)), Renders("100000")));
    found
}

/// Sources that are not what they seem.
fn lying() -> Vec<Row> {
    let mut found = rows([
        ("a comment left open", "a{# b", Fails("")),
        ("a raw block left open", "a{% raw %}b", Fails("")),
        ("an expression left open", "a{{ b", Fails("")),
        ("NUL", "a\0b{{ '\0' }}", Ends),
        ("bidi", "{{ '\u{202e}' }}\u{2066}x", Ends),
    ]);
    found.push(("1 MB of text", "a".repeat(1 << 20), Fails("limits.source_bytes")));
    found.push(("1 MB of openings", "{{".repeat(1 << 19), Fails("limits.source_bytes")));
    found.push(("100,000 placeholders", "$cst.p.coupon$".repeat(100_000), Fails("limits.source_bytes")));
    found.push(("10,000 placeholders", "$cst.p.coupon$".repeat(10_000), Fails("suspended")));
    found.push((
        "100,000 claims",
        "{% for i in range(100000) %}{{ vouchers.p.assign_available(cached=false) }}{% endfor %}".to_owned(),
        Fails("suspended"),
    ));
    found
}
