use proptest::prelude::*;

use super::*;
use crate::ErrorKind;
use crate::intake::Seen;

fn lines(text: &[u8]) -> Lines {
    Lines::new("people", Box::new(std::io::Cursor::new(text.to_vec())))
}

fn csv(text: &str) -> Audience {
    Audience::delimited(lines(text.as_bytes()), &Columns::new()).unwrap()
}

fn typed(text: &str, columns: &[(&str, ColumnType)]) -> Result<Audience> {
    let columns = columns.iter().map(|(name, column_type)| (name.to_string(), *column_type)).collect();
    Audience::delimited(lines(text.as_bytes()), &columns)
}

fn json(text: &str) -> Audience {
    Audience::json(lines(text.as_bytes()), &Columns::new()).unwrap()
}

fn rows(mut audience: Audience) -> Vec<Row> {
    std::iter::from_fn(|| audience.next_row().unwrap()).collect()
}

fn customer(row: &Row) -> serde_json::Value {
    serde_json::to_value(&row.content.as_ref().unwrap().customer).unwrap()
}

/// The first error of an audience and its remedy.
fn error(text: &[u8]) -> (String, String) {
    let first = Audience::delimited(lines(text), &Columns::new()).and_then(|mut audience| {
        while audience.next_row()?.is_some() {}
        Ok(())
    });
    let error = first.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    (error.to_string(), error.help().unwrap_or_default().to_owned())
}

fn json_error(text: &str) -> String {
    let mut audience = json(text);
    loop {
        match audience.next_row() {
            Ok(row) => assert!(row.is_some(), "no error"),
            Err(error) => return error.to_string(),
        }
    }
}

#[test]
fn every_column_is_an_attribute() {
    let rows = rows(csv(
        "\u{feff}customer_id,first name,,note\r\nc1,Ada,x,\r\n\r\n c2 ,\"Ž, \"\"x\"\"\",,\"a\r\nb\"\r\nc3,,,\n",
    ));
    assert_eq!(
        customer(&rows[0]),
        serde_json::json!({"id": "c1", "customer_id": "c1", "first name": "Ada", "note": ""})
    );
    assert_eq!(customer(&rows[1])["note"], "a\r\nb");
    assert_eq!(customer(&rows[1])["first name"], "Ž, \"x\"");
    assert_eq!(customer(&rows[1])["id"], " c2 ");
    let places: Vec<_> = rows.iter().map(|row| (row.number, row.line)).collect();
    assert_eq!(places, [(1, 2), (2, 4), (3, 6)]);
}

#[test]
fn columns_have_types() {
    use ColumnType::*;
    let types = [("n", Number), ("b", Boolean), ("j", Json), ("t", Text)];
    let text = "customer_id;n;b;j;t\n1;1.5;TRUE;[1, \"a\"];7\n2;-3; no ;;\n3;;;null;\n";
    let rows = rows(typed(text, &types).unwrap());
    let expected = serde_json::json!({"id": "1", "customer_id": "1", "n": 1.5, "b": true, "j": [1, "a"], "t": "7"});
    assert_eq!(customer(&rows[0]), expected);
    let expected = serde_json::json!({"id": "2", "customer_id": "2", "n": -3, "b": false, "j": null, "t": ""});
    assert_eq!(customer(&rows[1]), expected);
    assert!(customer(&rows[2])["n"].is_null() && customer(&rows[2])["b"].is_null());
}

#[test]
fn a_bad_row_is_not_the_end() {
    use ColumnType::*;
    let long = "x".repeat(257);
    let text = format!(
        "customer_id,ltv,vip,orders\nc1,SECRET,,\n \t,1,,\n{long},1,,\nc4,,SECRET,\nc5,,,SECRET\nc6,1,yes,{{}}\n"
    );
    let rows = rows(typed(&text, &[("ltv", Number), ("vip", Boolean), ("orders", Json)]).unwrap());
    let problems: Vec<_> = rows.iter().map(|row| row.content.as_ref().err().map(String::as_str)).collect();
    let expected = [
        Some("line 2: column 'ltv' takes a number such as 12 or 9.5"),
        Some("line 3: customer id is empty"),
        Some("line 4: customer id is 257 bytes long, more than 256"),
        Some("line 5: column 'vip' takes true or false"),
        Some("line 6: column 'orders' takes JSON"),
        None,
    ];
    assert_eq!(problems, expected);
    let known: Vec<_> = rows.iter().map(|row| row.customer_id.as_ref().map(CustomerId::as_str)).collect();
    assert_eq!(known, [Some("c1"), None, None, Some("c4"), Some("c5"), Some("c6")]);
}

#[test]
fn a_header_without_customer_id() {
    for near in ["Customer ID", "customerId", "id", "customr_id", "user_id"] {
        let (message, help) = error(format!("first_name,{near}\nAda,c1\n").as_bytes());
        assert_eq!(message, "people: the first line names no column 'customer_id'");
        assert!(help.starts_with(&format!("rename the column '{near}'")), "{help}");
    }
    let (message, help) = error("ada@example.com,Ada\n".as_bytes());
    assert!(!message.contains("ada") && !help.contains("ada"), "{message} {help}");
}

#[test]
fn what_spoils_a_file() {
    let cases: [(&[u8], &str); 8] = [
        (b"", "people: the file is empty"),
        (b"customer_id,a,a\n", "people: two columns are called 'a'"),
        (b"customer_id,id\n", "people: the columns 'customer_id' and 'id' would both be customer.id"),
        (b"customer_id,a\nc1,1\nc2\n", "people:3: the row has 1 fields, the header has 2"),
        (b"customer_id,a\nc1,1,2\n", "people:2: the row has 3 fields, the header has 2"),
        (b"customer_id,a\nc1,\"1\nc2,2\n", "people:2: the quote that opens here is never closed"),
        (b"customer_id,a\nc1,\"1\"2\n", "people:2: text follows the quote that closes its field"),
        (b"customer_id,a\nc1,1\nc2,\xff\n", "people:3: the text is not UTF-8"),
    ];
    for (text, expected) in cases {
        let (message, help) = error(text);
        assert_eq!(message, expected);
        assert!(!help.is_empty(), "{message}");
    }
}

#[test]
fn a_type_for_a_column_that_is_not_there() {
    let error = typed("customer_id,ltv\n", &[("lvt", ColumnType::Number)]).unwrap_err();
    assert_eq!(error.to_string(), "people: there is no column 'lvt', to which the campaign gives a type");
    assert_eq!(error.help(), Some("did you mean 'ltv'?"));
}

#[test]
fn json_goes_straight_into_values() {
    let text = "{\"customer\": {\"id\": \"c1\", \"orders\": [{\"total\": 1.5}]}, \"context\": {\"event\": {\"n\": 1}}}\n\n{\"customer\":{\"id\":7}}\r\n";
    let rows = rows(json(text));
    assert_eq!(customer(&rows[0])["orders"][0]["total"], 1.5);
    let context = &rows[0].content.as_ref().unwrap().context;
    assert_eq!(serde_json::to_value(context).unwrap(), serde_json::json!({"event": {"n": 1}}));
    assert_eq!((rows[1].number, rows[1].line), (2, 3));
    assert_eq!(rows[1].customer_id.as_ref().unwrap().as_str(), "7");
}

#[test]
fn what_spoils_json_lines() {
    let good = "{\"customer\": {\"id\": \"c1\"}}\n";
    let cases = [
        ("{\"customer\": {\"name\": \"SECRET\"", "people:2: the line is not JSON (column 30)"),
        ("[\"SECRET\"]", "people:2: the line is not a JSON object"),
        ("{\"context\": {}}", "people:2: the key 'customer' is missing"),
        ("{\"customer\": \"SECRET\"}", "people:2: 'customer' is not an object"),
        ("{\"customer\": {}, \"contxt\": {}}", "people:2: unknown key 'contxt'"),
        ("{\"customer\": {}, \"customer\": {}}", "people:2: the line cannot be read (column 27)"),
    ];
    for (line, expected) in cases {
        assert_eq!(json_error(&format!("{good}{line}\n")), expected);
    }
    let rows = rows(json("{\"customer\": {}}\n{\"customer\": {\"id\": \"\"}}\n"));
    let problem = "line 1: customer.id is missing, or neither text nor an integer";
    assert_eq!(rows[0].content.as_ref().unwrap_err(), problem);
    assert_eq!(rows[1].content.as_ref().unwrap_err(), "line 2: customer id is empty");
}

#[test]
fn json_has_no_columns_and_is_not_empty() {
    let columns = Columns::from([("ltv".to_owned(), ColumnType::Number)]);
    let error = Audience::json(lines(b"{}"), &columns).unwrap_err();
    assert!(error.to_string().contains("'ltv'"));
    let error = Audience::json(lines(b"\n"), &Columns::new()).unwrap_err();
    assert_eq!(error.to_string(), "people: the file is empty");
}

#[test]
fn the_format_is_known_by_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Audience::open(&AudienceSource::File(path), &Columns::new())
    };
    let person = "{\"customer\": {\"id\": \"c1\"}}";
    for (name, text) in
        [("a.csv", "customer_id\nc1"), ("a.TSV", "customer_id\tb\nc1\t2"), ("a.jsonl", person), ("a.ndjson", person)]
    {
        assert_eq!(rows(open(name, text).unwrap())[0].customer_id.as_ref().unwrap().as_str(), "c1", "{name}");
    }
    let error = open("a.xls", "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.help(), Some("an audience ends in .csv or .jsonl"));
}

#[test]
fn without_a_name_the_content_tells_the_format() {
    for text in ["\n \ncustomer_id,a\nc1,{", "\u{feff}customer_id\nc1", " \n {\"customer\": {\"id\": \"c1\"}}"] {
        let audience = Audience::by_content(lines(text.as_bytes()), &Columns::new()).unwrap();
        assert_eq!(rows(audience)[0].customer_id.as_ref().unwrap().as_str(), "c1", "{text}");
    }
}

#[test]
fn a_changed_audience_is_noticed() {
    let text = "customer_id,a\nc1,1\nc2,2\nc3,3\n";
    let mut first = csv(text);
    first.next_row().unwrap();
    first.next_row().unwrap();
    let position = first.position();
    let skip = |text: &str| csv(text).skip_to(&position, |_| ());
    for same in [text, "customer_id,a\r\n\"c1\",1\r\n\r\nc2,2\r\n", "customer_id;a\nc1;1\nc2;2\nc9;9\nc10;10\n"] {
        assert!(skip(same).is_ok(), "{same}");
    }
    for other in [
        "customer_id,a\nc1,1\n",
        "customer_id,a\nc2,2\nc1,1\n",
        "customer_id,b\nc1,1\nc2,2\n",
        "customer_id,a\nc11,c\n2,2\n",
    ] {
        let error = skip(other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "people: the audience changed since its first 2 rows were rendered");
        assert!(error.help().is_some());
    }
}

#[test]
fn changed_json_lines_are_noticed() {
    let people = |name: &str| format!("{{\"customer\": {{\"id\": \"{name}\"}}}}\r\n");
    let mut first = json(&people("c1"));
    first.next_row().unwrap();
    let position = first.position();
    assert!(json(&format!("\n{}{}", people("c1"), people("c2"))).skip_to(&position, |_| ()).is_ok());
    assert!(json(&people("c2")).skip_to(&position, |_| ()).is_err());
}

#[test]
fn the_end_is_no_row() {
    let mut audience = csv("customer_id\nc1\n\n");
    while audience.next_row().unwrap().is_some() {}
    assert!(audience.next_row().unwrap().is_none());
    assert_eq!(audience.position().rows, 1);
    assert!(csv("customer_id\nc1\n").skip_to(&audience.position(), |_| ()).is_ok());
}

#[test]
fn a_position_is_kept_as_json() {
    let mut audience = csv("customer_id\nc1\n");
    audience.next_row().unwrap();
    let position = audience.position();
    let text = serde_json::to_string(&position).unwrap();
    assert!(text.starts_with("{\"bytes\":15,\"rows\":1,\"line\":2,\"hash\":\""), "{text}");
    assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
    assert!(serde_json::from_str::<Fingerprint>("\"12\"").is_err());
    assert!("é".repeat(32).parse::<Fingerprint>().is_err());
}

fn written(rows: &[(String, String)]) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(["customer_id", "note"]).unwrap();
    for (index, (id, note)) in rows.iter().enumerate() {
        writer.write_record([&format!("{id}{index}"), note]).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn as_json(rows: &[(String, String)]) -> String {
    let line = |(index, (id, note)): (usize, &(String, String))| {
        let customer = serde_json::json!({"customer": {"id": format!("{id}{index}"), "note": note}});
        format!("{customer}\n")
    };
    rows.iter().enumerate().map(line).collect()
}

proptest! {
    #[test]
    fn reads_back_what_was_written(people in prop::collection::vec(("[a-z @\"]{0,6}", r#"[a",;\r\n\té 人🎟{}]{0,12}"#), 1..12)) {
        for audience in [csv(&written(&people)), json(&as_json(&people))] {
            let rows = rows(audience);
            prop_assert_eq!(rows.len(), people.len());
            for (index, (row, (id, note))) in rows.iter().zip(&people).enumerate() {
                let expected = format!("{id}{index}");
                prop_assert_eq!(row.customer_id.as_ref().unwrap().as_str(), &expected);
                let customer = customer(row);
                prop_assert_eq!(customer["note"].as_str(), Some(note.as_str()));
                prop_assert_eq!(customer["id"].as_str(), Some(expected.as_str()));
            }
        }
    }

    #[test]
    fn goes_on_at_every_boundary(people in prop::collection::vec(("[a-z]{0,3}", r#"[a",\r\n é]{0,6}"#), 1..8)) {
        for open in [|people: &[_]| csv(&written(people)), |people: &[_]| json(&as_json(people))] {
            let mut whole = open(&people);
            for done in 0..=people.len() {
                let position = whole.position();
                let (mut resumed, mut seen) = (open(&people), Seen::default());
                resumed.skip_to(&position, |customer| { seen.insert(customer); }).unwrap();
                prop_assert_eq!(resumed.position(), position);
                prop_assert_eq!(seen.len(), done);
                let next = whole.next_row().unwrap();
                let resumed = resumed.next_row().unwrap();
                prop_assert_eq!(resumed.map(|row| (row.number, row.line, row.customer_id)), next.map(|row| (row.number, row.line, row.customer_id)));
            }
        }
    }
}

#[test]
fn one_row_that_changed_is_told_in_the_singular() {
    let mut first = csv("customer_id,a\nc1,1\n");
    first.next_row().unwrap();
    let error = csv("customer_id,a\nc1,2\n").skip_to(&first.position(), |_| ()).unwrap_err();
    assert_eq!(error.to_string(), "people: the audience changed since its first row was rendered");
}
