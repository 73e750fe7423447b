//! Properties that hold for every input, tried with made-up ones. `make fuzz` tries more, and has a fuzzer make them up where
//! there is one.
#![allow(clippy::unwrap_used)]

mod properties;

use proptest::prelude::*;

/// Bytes, most of them pieces of what is expected.
fn bytes(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec());
    let noise = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec(prop_oneof![12 => piece, 1 => noise], 0..most).prop_map(|pieces| pieces.concat())
}

fn literal_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &["$cst.", ".coupon$", "spring", "b-1", "_", "-", ".", "$", "cst", "é", " ", "\n", "\r", "\u{feff}", "{", "}"]
            [..],
    );
    let name = prop_oneof!["[a-z0-9_-]{0,3}", "[a-z.é ]{0,3}", "[a-z]{63,66}"];
    let placeholder = name.prop_map(|name| format!("$cst.{name}.coupon$"));
    prop::collection::vec(prop_oneof![piece.prop_map(str::to_owned), placeholder], 0..8)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("it is text only", |text| !["{{", "{%", "{#"].iter().any(|open| text.contains(open)))
}

/// Sources of which some compile.
fn anything() -> impl Strategy<Value = String> {
    let pieces = vec![
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{",
        "}",
        "%",
        "'",
        "\"",
        "\\",
        "-",
        "+",
        " ",
        "\n",
        "é",
        "abort",
        "raw",
        "endraw",
        "include",
        "if",
        "x",
        "vouchers",
        ".",
        "[",
        "]",
        "(",
        ")",
        "|",
        "1",
        "<",
        "=",
        "$cst.a.coupon$",
        "{% abort %}",
        "{% raw %}",
        "{% endraw %}",
        "{{ x }}",
        "{% for i in range(9) %}",
        "{% endfor %}",
        "{% macro m() %}",
        "{% endmacro %}",
        "{{ m() }}",
        "{% set x = x ~ x %}",
        "x|upper",
        "count_available()",
        "assign_available(per='customer')",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

const CSV: &[&str] = &[
    "code",
    ",",
    ";",
    "\t",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\u{a0}",
    "SPR-1",
    "é",
    "2027-06-30",
    "expires_at",
    "=1+1",
    "007",
    "1e5",
    "\u{feff}",
    "\0",
];

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\n",
    "\r",
    " ",
    "\"code\"",
    "\"SPR-1\"",
    "\"expires_at\"",
    "{\"code\":\"SPR-1\"}\n",
    "null",
    "true",
    "1",
    "-0",
    "1e999",
    "\\u0000",
    "\\ud800",
    "é",
];

const SHEET: &[&str] = &[
    "<row><c t=\"inlineStr\"><is><t>SPR-1</t></is></c></row>",
    "<row r=\"7\"><c r=\"A7\" t=\"inlineStr\"><is><t>SPR-7</t></is></c></row>",
    "<row r=\"3\"><c r=\"A3\"><v>12.5</v></c><c r=\"C3\" t=\"b\"><v>1</v></c></row>",
    "<row><c t=\"e\"><v>#N/A</v></c></row>",
    "<row></row>",
    "<row>",
    "</row>",
    "<row r=\"2\">",
    "<row r=\"0\">",
    "<row r=\"99999999999\">",
    "<c r=\"A1\">",
    "<c>",
    "</c>",
    "<c r=\"ZZZZ1\">",
    "<c r=\"A3\" t=\"inlineStr\">",
    "<is><t>code</t></is>",
    "<is><t>SPR-1</t></is>",
    "<c r=\"A1\" t=\"s\">",
    "<c t=\"d\">",
    "<c s=\"9\">",
    "<v>1</v>",
    "<v>-1</v>",
    "<v>1e308</v>",
    "<v>code</v>",
    "<v>",
    "<!--",
    "&#0;",
    "&amp;",
    "&x;",
    "<?",
    "<![CDATA[",
    "é",
];

const MESSAGE: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\"message_id\":\"m\"",
    "\"channel\":\"sms\"",
    "\"channel\":\"web_layer\"",
    "\"mode\":\"preview\"",
    "\"parts\":{\"body.txt\":\"{{ x }}\"}",
    "\"template\":\"any\"",
    "\"customer\":{\"id\":\"c\"}",
    "\"context\":",
    "null",
    "1e999",
    "-1",
    "é",
    "\\u0000",
    "{\"message_id\":\"m\",\"channel\":\"web_layer\",\"template\":\"any\",\"customer\":{\"id\":1}}",
    "{\"message_id\":\"m\",\"channel\":\"sms\",\"parts\":{\"body.txt\":\"{{ x }}\"},\"context\":{\"x\":[1]},\"customer\":",
];

const VISIT: &[&str] = &[
    "{",
    "}",
    "\"",
    ":",
    ",",
    ".",
    "=",
    "A",
    "-",
    "_",
    "\"layer\":\"any\"",
    "\"customer\":\"c\"",
    "\"customer\":1",
    "\"exp\":4102444800",
    "\"exp\":1e999",
    "\"exp\":-1",
    "\"attributes\":{}",
    "{\"layer\":\"any\",\"customer\":\"c\",\"exp\":4102444800",
    "null",
    "é",
];

proptest! {
    #[test]
    fn placeholders_are_read_as_the_oracle_reads_them(text in literal_text()) {
        properties::placeholders(&text);
    }

    #[test]
    fn no_source_makes_a_template_panic_or_leave_its_limits(source in anything()) {
        properties::template(&source);
    }

    #[test]
    fn delimited_text_ends(bytes in bytes(CSV, 60)) {
        properties::csv(&bytes);
    }

    #[test]
    fn lines_of_json_end(bytes in bytes(JSON, 60)) {
        properties::json_lines(&bytes);
    }

    #[test]
    fn workbooks_end(bytes in bytes(SHEET, 12)) {
        properties::workbook(&bytes);
    }

    #[test]
    fn no_body_of_a_message_is_an_error_of_the_service(bytes in bytes(MESSAGE, 20)) {
        properties::message(&bytes);
    }

    #[test]
    fn no_token_is_made_up(bytes in bytes(VISIT, 12)) {
        properties::token(&bytes);
    }
}
