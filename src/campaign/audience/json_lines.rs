//! An audience of JSON objects, one a line.

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Columns, Recipient, Row};
use crate::error::{Error, Result};
use crate::intake::Lines;
use crate::render::Attributes;
use crate::voucher::CustomerId;

const HELP: &str = r#"write {"customer": {"id": "c42", …}, "context": {…}} on each line; "context" may be left out"#;

pub(super) struct JsonRows {
    lines: Lines,
}

/// One line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    customer: Attributes,
    #[serde(default)]
    context: Attributes,
}

impl JsonRows {
    pub(super) fn open(mut lines: Lines, columns: &Columns) -> Result<JsonRows> {
        if let Some(column) = columns.keys().next() {
            let error =
                lines.error(format!("the campaign gives the column '{column}' a type, but JSON has no columns"));
            return Err(error.with_help("take 'columns' out of the campaign: JSON values have types of their own"));
        }
        if lines.peek()?.is_none() {
            return Err(lines.error("the file is empty").with_help(HELP));
        }
        Ok(JsonRows { lines })
    }

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }

    pub(super) fn next(&mut self, number: u64, hash: &mut Sha256) -> Result<Option<Row>> {
        if self.lines.peek()?.is_none() {
            return Ok(None);
        }
        let Some(text) = self.lines.next()? else { return Ok(None) };
        let text = text.trim();
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
        match serde_json::from_str::<Line>(text) {
            Ok(line) => Ok(Some(row(number, self.lines.line(), line))),
            Err(error) => {
                let problem = problem(text, &error);
                Err(self.lines.error_at(self.lines.line(), problem).with_help(HELP))
            }
        }
    }
}

fn row(number: u64, line: u64, Line { customer, context }: Line) -> Row {
    let id = customer.text("id").ok_or("customer.id is missing, or neither text nor an integer".to_owned());
    let customer_id = id.and_then(|id| CustomerId::new(id).map_err(|error: Error| error.to_string()));
    match customer_id {
        Err(problem) => Row { number, line, customer_id: None, content: Err(format!("line {line}: {problem}")) },
        Ok(customer_id) => {
            let content = Ok(Recipient { customer_id: customer_id.clone(), customer, context });
            Row { number, line, customer_id: Some(customer_id), content }
        }
    }
}

/// What is wrong with a line that could not be read. It names keys, and no values.
fn problem(text: &str, error: &serde_json::Error) -> String {
    let object = match serde_json::from_str(text) {
        Err(error) => return format!("the line is not JSON (column {})", error.column()),
        Ok(Value::Object(object)) => object,
        Ok(_) => return "the line is not a JSON object".to_owned(),
    };
    if let Some(unknown) = object.keys().find(|key| !["customer", "context"].contains(&key.as_str())) {
        return format!("unknown key '{unknown}'");
    }
    if !object.contains_key("customer") {
        return "the key 'customer' is missing".to_owned();
    }
    match object.iter().find(|(_, value)| !value.is_object()) {
        Some((key, _)) => format!("'{key}' is not an object"),
        None => format!("the line cannot be read (column {})", error.column()),
    }
}
