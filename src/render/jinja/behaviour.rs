//! What Jinja2 cannot be asked about: limits, seeds, dates, errors that wait in values, other escapings.

use std::sync::Arc;

use jiff::Zoned;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value, context};

use super::{Instant, SEED, install};

pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_debug(false);
    install(&mut env);
    env.set_auto_escape_callback(|name| match name.rsplit('.').next() {
        Some("html") => AutoEscape::Html,
        Some("json") => AutoEscape::Json,
        _ => AutoEscape::None,
    });
    env
}

pub(super) fn rendered(template: &str, context: Value) -> String {
    rendered_as("part.txt", template, context)
}

pub(super) fn rendered_as(name: &str, template: &str, context: Value) -> String {
    match environment().render_named_str(name, template, context) {
        Ok(text) => text,
        Err(error) => format!("error: {error}"),
    }
}

pub(super) fn now() -> Value {
    let moment: Zoned = "2026-11-20T09:05:07.25+01:00[Europe/Prague]".parse().unwrap();
    Value::from_object(Instant(moment))
}

#[test]
fn no_value_grows_beyond_the_limit() {
    for template in [
        "{{ 'x'|indent(2000000000) }}",
        "{{ 'x'|center(1000000000) }}",
        "{{ 'x'.center(1000000000) }}",
        "{{ 'x'.ljust(100001) }}",
        "{{ 'x'.rjust(100001) }}",
        "{{ '1'.zfill(100001) }}",
        "{{ 'a\tb'.expandtabs(100001) }}",
        "{{ '%2000000000d'|format(1) }}",
        "{{ '%.2000000000f'|format(1) }}",
        "{{ '%99999999999999999999999d'|format(1) }}",
        "{{ '%*d'|format(2000000000, 1) }}",
        "{{ '{:2000000000}'.format(1) }}",
        "{{ '{:>{}}'.format(1, 2000000000) }}",
        "{{ '{:.2000000000f}'.format(1) }}",
        "{{ [1]|batch(2000000000, 0)|list }}",
        "{{ [1]|slice(2000000000, 0)|list }}",
        "{{ 'x'|truncate(2000000000) }}",
        "{{ 'x'|wordwrap(2000000000) }}",
        "{{ [1]|tojson(2000000000) }}",
        "{{ lipsum(n=2000000000) }}",
        "{{ lipsum(n=1, max=2000000000) }}",
    ] {
        let got = rendered(template, context!());
        assert!(
            got.starts_with("error") && got.contains("the limit, 100000") || got.contains("at most 100000"),
            "{template}: {got}"
        );
    }
    let lines = Value::from("x\n".repeat(5000));
    assert!(rendered("{{ l|indent(1000) }}", context!(l => lines)).contains("more than 1000000"));
    let tabs = Value::from("\t".repeat(2000));
    assert!(rendered("{{ t.expandtabs(1000) }}", context!(t => tabs)).contains("more than 100000"));
}

#[test]
fn deep_values_are_refused_by_tojson() {
    let mut deep = Value::from(1);
    for _ in 0..200 {
        deep = Value::from(vec![deep]);
    }
    assert!(rendered("{{ d|tojson }}", context!(d => deep)).contains("nested deeper than 128"));
}

const DRAWS: &str = "{% macro m() %}{{ range(1000)|random }}{% endmacro %}{{ range(1000)|random }} {{ m() }} {{ m() }} \
    {{ range(9)|shuffle|join }} {% include 'piece.txt' %} {% from 'macros.txt' import n %}{{ n() }}";

fn draws(seed: Option<&str>) -> Vec<String> {
    let mut env = environment();
    env.add_template("piece.txt", "{{ range(1000)|random }}").unwrap();
    env.add_template("macros.txt", "{% macro n() %}{{ range(1000)|random }}{% endmacro %}").unwrap();
    let context = Value::from_pairs(seed.map(|seed| (SEED, seed)));
    env.render_str(DRAWS, context).unwrap().split(' ').map(str::to_owned).collect()
}

#[test]
fn the_same_seed_draws_the_same_in_every_pass() {
    let first = draws(Some("spring/c1"));
    assert_eq!(first, draws(Some("spring/c1")));
    assert_eq!(first[3].len(), 9);
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len(), "each call draws anew: {first:?}");
    assert!(draws(Some("spring/c2")).iter().zip(&first).all(|(a, b)| a != b), "another seed draws otherwise");
    assert_eq!(draws(None), draws(None));
}

#[test]
fn a_seed_reaches_a_macro_that_draws_first() {
    let template = "{% macro m() %}{{ range(99999)|random }}{% endmacro %}{{ m() }}";
    let of = |seed: &str| rendered(template, context!(__seed => seed));
    assert_ne!(of("a"), of("b"));
    let mut env = environment();
    env.add_template("macros.txt", "{% macro n() %}{{ range(99999)|random }}{% endmacro %}").unwrap();
    let imported =
        |seed: &str| env.render_str("{% import 'macros.txt' as m %}{{ m.n() }}", context!(__seed => seed)).unwrap();
    assert_ne!(imported("a"), imported("b"));
}

#[test]
fn random_covers_the_whole_list() {
    let drawn = rendered("{% for _ in range(200) %}{{ ['a','b','c']|random }}{% endfor %}", context!(__seed => 7));
    for letter in ["a", "b", "c"] {
        assert!((40..100).contains(&drawn.matches(letter).count()), "{drawn}");
    }
}

#[test]
fn instants_are_like_pythons_datetimes() {
    for (template, expected) in [
        ("{{ now }}", "2026-11-20T09:05:07.25+01:00"),
        ("{{ now.isoformat() }}", "2026-11-20T09:05:07.25+01:00"),
        ("{{ now.strftime('%d.%m.%Y %H:%M') }}", "20.11.2026 09:05"),
        (
            "{{ now.year }}-{{ now.month }}-{{ now.day }} {{ now.hour }}:{{ now.minute }}:{{ now.second }}",
            "2026-11-20 9:5:7",
        ),
        (
            "{{ now.microsecond }} {{ now.tzinfo }} {{ now.weekday() }} {{ now.isoweekday() }}",
            "250000 Europe/Prague 4 5",
        ),
        ("{{ now.date() }} {{ now.time() }}", "2026-11-20 09:05:07.25"),
        ("{{ now.timestamp() }}", "1795161907.25"),
        ("{{ now.shift(days=7, hours=-1).strftime('%Y-%m-%d %H') }}", "2026-11-27 08"),
        ("{{ now.shift(months=3).strftime('%Y-%m-%d') }}", "2027-02-20"),
        ("{{ now.replace(day=1, hour=0).strftime('%Y-%m-%d %H') }}", "2026-11-01 00"),
        ("{{ now.astimezone('America/New_York').strftime('%H:%M %Z') }}", "03:05 EST"),
        (
            "{{ now < now.shift(days=1) }}{{ now == now.astimezone('UTC') }}{{ now > now.shift(seconds=1) }}",
            "TrueTrueFalse",
        ),
        ("{{ now.days_until('2026-12-24') }} {{ now.days_until(now.shift(days=-2)) }}", "34 -2"),
        (
            "{{ 'y' if now else 'n' }} {{ now is callable }} {{ '%s'|format(now) }}",
            "y False 2026-11-20T09:05:07.25+01:00",
        ),
        ("{{ '{:%d.%m.%Y}'.format(now) }}", "20.11.2026"),
        ("{{ now ~ '' }} {{ now|tojson }}", "2026-11-20T09:05:07.25+01:00 \"2026-11-20T09:05:07.25+01:00\""),
        ("{{ now.nope }}", ""),
        ("{{ now.nope() }}", "error: unknown method: plain object has no method named nope (in part.txt:1)"),
        ("{{ now.strftime('%J') }}", "error: invalid operation: '%J' is not a strftime pattern (in part.txt:1)"),
        ("{{ now.shift(years=20000) }}", "error: invalid operation: the date is out of range (in part.txt:1)"),
        ("{{ now.replace(month=13) }}", "error: invalid operation: the date is out of range (in part.txt:1)"),
    ] {
        assert_eq!(rendered(template, context!(now => now())), expected, "{template}");
    }
}

#[test]
fn date_filters_take_every_form_of_date() {
    for (template, expected) in [
        ("{{ now|dateformat }} {{ now|timeformat }} {{ now|datetimeformat }}", "Nov 20 2026 09:05 Nov 20 2026 09:05"),
        (
            "{{ now|datetimeformat('%d.%m.%Y') }} {{ now|datetimeformat(format='short', tz='UTC') }}",
            "20.11.2026 2026-11-20 08:05",
        ),
        ("{{ 1795161907|datetimeformat('iso') }}", "2026-11-20T08:05:07+00:00"),
        ("{{ '2026-11-20'|dateformat('%-d. %-m. %Y', tz='America/New_York') }}", "20. 11. 2026"),
        ("{{ '2026-11-20 10:30:00'|datetimeformat('%H:%M') }}", "10:30"),
        ("{{ '2026-11-20T10:30:00Z'|timeformat('%H:%M', tz='Europe/Prague') }}", "11:30"),
        ("{% set TIMEZONE = 'Asia/Tokyo' %}{% set TIME_FORMAT = '%H h' %}{{ now|timeformat }}", "17 h"),
        ("{{ now|format_datetime(zone='US/Eastern') }}", "Nov 20, 2026, 3:05:07 AM"),
        ("{{ now|format_datetime(format=\"EEEE, d. MMMM yyyy 'at' HH:mm\") }}", "Friday, 20. November 2026 at 09:05"),
        ("{{ now|format_date }} {{ now|format_date(format='full') }}", "Nov 20, 2026 Friday, November 20, 2026"),
        ("{{ now|format_date(format='dd.MM.yyyy', locale='fr_FR') }}", "20.11.2026"),
        ("{{ now|format_date(format='short', locale='en_US') }} {{ now|format_time('short') }}", "11/20/26 9:05 AM"),
        ("{{ 1795161907|from_timestamp }}", "2026-11-20T08:05:07+00:00"),
        ("{{ '1795161907'|from_timestamp('%d.%m.%Y') }}", "20.11.2026"),
        ("{{ (1795161907|from_timestamp(tz='Europe/Prague')).strftime('%H:%M') }}", "09:05"),
        ("{{ now|to_timestamp }} {{ '2026-11-20'|to_timestamp }}", "1795161907 1795132800"),
        ("[{{ missing|dateformat }}{{ none|format_date }}{{ missing|from_timestamp }}]", "[]"),
        ("{{ -86400|datetimeformat('%Y-%m-%d') }}", "1969-12-31"),
    ] {
        assert_eq!(rendered(template, context!(now => now())), expected, "{template}");
    }
}

#[test]
fn date_filters_say_what_is_wrong() {
    for (template, expected) in [
        ("{{ now|format_date(format='full', locale='fr_FR') }}", "for locale 'fr_FR' write numbers"),
        ("{{ 'tomorrow'|dateformat }}", "write it as 2026-11-20"),
        ("{{ now|dateformat(tz='Prague') }}", "unknown time zone 'Prague'"),
        ("{{ [1]|dateformat }}", "a number of seconds is needed, not sequence"),
        ("{{ 'x'|from_timestamp }}", "from_timestamp needs a number of seconds"),
        ("{{ 1e300|dateformat }}", "out of range"),
    ] {
        let got = rendered(template, context!(now => now()));
        assert!(got.starts_with("error") && got.contains(expected), "{template}: {got}");
    }
}

/// An object whose attribute is an error that shows when it is used.
#[derive(Debug)]
struct Waiting;

impl Object for Waiting {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from(Error::new(ErrorKind::InvalidOperation, "call it")))
    }
}

#[test]
fn an_error_that_waits_in_a_value_is_reported_by_whatever_uses_it() {
    for template in [
        "{{ w.x }}",
        "{{ w.x|upper }}",
        "{{ w.x|default('d') }}",
        "{{ [w.x]|join(',') }}",
        "{{ [w.x]|first }}",
        "{{ [w.x]|map('upper')|list }}",
        "{{ w.x|map('upper')|list }}",
        "{{ [1]|join(w.x) }}",
        "{{ 'a'|replace('a', w.x) }}",
        "{{ '%s'|format(w.x) }}",
        "{{ 'a'.center(w.x) }}",
        "{{ '{}'.format(w.x) }}",
        "{{ {'a': w.x}|xmlattr }}",
        "{{ {'a': w.x}|urlencode }}",
        "{{ {'a': w.x}|tojson }}",
        "{{ [w.x]|random }}",
        "{{ w.x is iterable }}",
        "{{ dict(a=w.x).a }}",
        "{{ w.x|dateformat }}",
    ] {
        let got = rendered(template, context!(w => Value::from_object(Waiting)));
        assert!(got.starts_with("error") && got.contains("call it"), "{template}: {got}");
    }
}

#[test]
fn json_parts_print_json() {
    let context = context!(name => "Zoë \"Z\"", nothing => (), n => 1.5, l => vec![1, 2]);
    let template = "{{ name }} {{ nothing }} {{ n }} {{ l }} {{ 'a'|upper }} {{ l|tojson }}";
    assert_eq!(rendered_as("part.json", template, context), r#""Zoë \"Z\"" null 1.5 [1,2] "A" [1, 2]"#);
}

#[test]
fn arguments_are_bound_as_in_python() {
    for (template, expected) in [
        ("{{ 'x'|center(5, width=6) }}", "argument `width` is given twice"),
        ("{{ 'x'|center(5, 6) }}", "at most 2 are known: value, width"),
        ("{{ 'x'|center(wdth=5) }}", "unknown keyword argument 'wdth'"),
        ("{{ 'x'|center('wide') }}", "`width` must be a whole number, not string"),
        ("{{ 'x'|truncate(2) }}", "length 2 is shorter than its end, 3"),
        ("{{ 'x'|replace('x') }}", "replace(old, new)"),
        ("{{ '%s %s'|format(1) }}", "fewer values"),
        ("{{ '%s'|format(1, 2) }}", "more values"),
        ("{{ '50%'|format() }}", "write `%%`"),
        ("{{ '{} {}'.format(1) }}", "no value for '{}'"),
        ("{{ 'x'.index('y') }}", "does not contain that"),
        ("{{ {'a b': 1}|xmlattr }}", "cannot contain a space"),
        ("{{ [3]|map }}", "map needs the name of a filter"),
        ("{{ [3]|map('nope')|list }}", "unknown filter"),
        ("{{ 5 is divisibleby 0 }}", "cannot divide by 0"),
        ("{{ 5 is divisibleby 0.0 }}", "cannot divide by 0"),
        ("{{ customer.name.upper() }}", "a missing value has no method `upper`; write (x or '').upper() or a filter"),
        ("{{ none.upper() }}", "a missing value has no method `upper`"),
    ] {
        let got = rendered(template, context!());
        assert!(got.starts_with("error") && got.contains(expected), "{template}: {got}");
    }
}

#[test]
fn the_state_of_a_render_cannot_be_printed() {
    assert!(rendered("{{ debug() }}", context!(email => "me@example.com")).contains("debug is unknown"));
}

#[test]
fn decimals_are_written_by_babels_patterns() {
    for (template, expected) in [
        ("{{ 1|format_decimal }} {{ 1234567.8915|format_decimal }} {{ -0.5|format_decimal }}", "1 1,234,567.892 -0.5"),
        ("{{ 1234567|format_decimal('#,##0.00') }} {{ '12.5'|format_decimal(format='0.0') }}", "1,234,567.00 12.5"),
        (
            "{{ 1.5|format_decimal('000.##') }} {{ 1e10|format_decimal('#,##0', locale='en_US') }}",
            "001.5 10,000,000,000",
        ),
        (
            "{{ 12.345|format_decimal('0.00') }} {{ 2.5|format_decimal('0') }} {{ 0.075|format_decimal('0.00') }}",
            "12.34 2 0.08",
        ),
        ("{{ 999|format_decimal }} {{ 1000|format_decimal }} [{{ none|format_decimal }}]", "999 1,000 []"),
    ] {
        assert_eq!(rendered(template, context!()), expected, "{template}");
    }
    assert!(
        rendered("{{ 1|format_decimal(locale='cs_CZ') }}", context!()).contains("English numbers only, not 'cs_CZ'")
    );
    assert!(rendered("{{ 1|format_decimal('0 Kč') }}", context!()).contains("signs `#`, `0`, `,` and `.` only"));
    assert!(rendered("{{ 'x'|format_decimal }}", context!()).contains("needs a number"));
}
