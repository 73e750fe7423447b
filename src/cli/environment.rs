//! Settings of the service that the environment makes, before `tearoff.toml`: `TEAROFF_HTTP__CONNECTIONS=500`.

use serde::Deserialize;
use toml::{Table, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::http::HttpSettings;

/// How the names of such variables begin. Two lines lead into a section of `[http]`.
const PREFIX: &str = "TEAROFF_HTTP__";

/// The settings of a file's section `[http]`, with those of these variables over them.
pub(super) fn over(mut section: Table, variables: impl Iterator<Item = (String, String)>) -> Result<HttpSettings> {
    let mut variables: Vec<_> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (name, text) in variables {
        section = set(&section, &name, &text)?;
    }
    HttpSettings::deserialize(Value::Table(section)).map_err(|error| wrong("[http]", &error))
}

/// The section with one more setting. What could be a number or a list is taken for one where that is what is wanted.
fn set(section: &Table, name: &str, text: &str) -> Result<Table> {
    let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut table| table.remove("value"));
    let mut problem = None;
    for value in parsed.into_iter().chain([Value::String(text.to_owned())]) {
        let with = with(section.clone(), &name[PREFIX.len()..].to_lowercase(), value);
        match HttpSettings::deserialize(Value::Table(with.clone())) {
            Ok(_) => return Ok(with),
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    Err(problem.map_or_else(|| Error::new(ErrorKind::InvalidInput, name), |error| wrong(name, &error)))
}

fn with(mut section: Table, path: &str, value: Value) -> Table {
    match path.split_once("__") {
        None => section.insert(path.to_owned(), value),
        Some((first, rest)) => {
            let inner = section.remove(first).and_then(|inner| inner.try_into().ok()).unwrap_or_default();
            section.insert(first.to_owned(), Value::Table(with(inner, rest, value)))
        }
    };
    section
}

fn wrong(name: &str, error: &toml::de::Error) -> Error {
    let message = error.message().lines().next().unwrap_or_default();
    Error::new(ErrorKind::InvalidInput, format!("{name}: {message}")).with_help("docs/SERVE.md describes every setting")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str, variables: &[(&str, &str)]) -> Result<HttpSettings> {
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        over(toml::from_str(file).unwrap(), variables)
    }

    #[test]
    fn a_variable_stands_over_the_file() {
        let file = "connections = 5\nbody_bytes = 7";
        let variables = [("TEAROFF_HTTP__CONNECTIONS", "6"), ("TEAROFF_HTTP__KEYS", "12"), ("TEAROFF_STORE", "x")];
        let settings = settings(file, &variables).unwrap();
        assert_eq!((settings.connections.get(), settings.body_bytes), (6, 7));
        assert_eq!(settings.keys.to_str(), Some("12"));
    }

    #[test]
    fn origins_are_a_list_or_text_with_commas() {
        for text in ["https://a.example,https://b.example:8443", r#"["https://a.example", "https://b.example:8443"]"#] {
            let settings = settings("", &[("TEAROFF_HTTP__CORS_ORIGINS", text)]).unwrap();
            assert_eq!(settings.cors_origins.to_string(), "https://a.example, https://b.example:8443");
        }
        let error = settings("cors_origins = ['https://a.example/']", &[]).unwrap_err();
        assert!(error.to_string().contains("'https://a.example/' is no origin"), "{error}");
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (name, text) in
            [("TEAROFF_HTTP__CONNECTIONS", "0"), ("TEAROFF_HTTP__LISTEN", "here"), ("TEAROFF_HTTP__X", "1")]
        {
            let error = settings("", &[(name, text)]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
        }
    }
}
