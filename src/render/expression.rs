//! Expressions of the template language that say yes or no: the rules of a pool.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use minijinja::value::{Object, Value};
use minijinja::{Environment, ErrorKind as Kind};

use super::failure::TemplateError;
use super::jinja::names::{self, is_filter, is_test};
use super::mentions::{Known, Mention, engine_names, links, read_paths};
use super::scan::tokens;
use super::source::Source;
use super::sources::Sources;
use super::suggest::did_you_mean;
use super::vouchers::instant;
use super::{Attributes, Limits, Message, Renderer, allowance};
use crate::error::{Error, ErrorKind, Result};

/// The engine's name for an expression.
const NAME: &str = "<expression>";
/// How many operators and accesses an expression may have: it is compiled on threads with a small stack.
const LINKS: usize = 500;
/// How many instructions of the engine an expression may take.
const INSTRUCTIONS: u64 = 100_000;
/// How many bytes of text an expression may make and read.
const TEXT_BYTES: usize = 4 << 20;
/// What a rule does not see: what a voucher is given by cannot depend on giving one.
const HIDDEN: [&str; 2] = ["vouchers", "customer.vouchers"];

static ENGINE: LazyLock<Environment<'static>> =
    LazyLock::new(|| Renderer::new(Limits { instructions: INSTRUCTIONS, ..Limits::default() }).environment);

/// An expression such as `customer.ltv < 500 and customer.segment != 'vip'`, with the filters, tests and functions of
/// templates. It sees neither `vouchers` nor `customer.vouchers`, and there is no way from it to a claim.
///
/// ```
/// use tearoff::render::{Attributes, Expression};
///
/// let rule = Expression::new("order.total >= 50 and 'shoes' in order.categories")?;
/// let values = Attributes::from_json(r#"{"order": {"total": 60, "categories": ["shoes"]}}"#)?;
/// assert!(rule.holds(&values)?);
///
/// let error = Expression::new("order.total|roundd > 50").unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 13: there is no filter 'roundd'; did you mean 'round'?");
/// # Ok::<(), tearoff::Error>(())
/// ```
pub struct Expression {
    compiled: minijinja::Expression<'static, 'static>,
    sources: Sources,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], with line and column, where it does not parse, names a filter, test or function that there
    /// is not, or looks at vouchers.
    pub fn new(text: &str) -> Result<Expression> {
        check_length(text)?;
        let source = Arc::new(Source::expression(text));
        let mut sources = Sources::default();
        sources.files.insert(NAME.to_owned(), Arc::clone(&source));
        match ENGINE.compile_expression_owned(source.text().to_owned()) {
            Ok(compiled) => check_names(&source).map(|()| Expression { compiled, sources }),
            Err(error) => Err(explain(&error, &sources).with_help(remedy(text))),
        }
    }

    /// The text of an expression that compiles.
    ///
    /// # Errors
    /// As for [`Expression::new`].
    pub fn checked(text: &str) -> Result<String> {
        Expression::new(text).map(|_| text.to_owned())
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        self.sources.files.get(NAME).map_or("", |source| &source.original)
    }

    /// The variables that it looks at beside the `known` ones, each in quotes and with the known one that may be meant: slips,
    /// unless the context of a message has them.
    pub fn unknown_variables(&self, known: &[&str]) -> Vec<String> {
        let functions = names::functions(&ENGINE);
        let is_known = |name: &String| known.contains(&name.as_str()) || name == "now" || functions.contains(name);
        let mut unknown: Vec<String> = self.compiled.undeclared_variables(false).into_iter().collect();
        unknown.retain(|name| !is_known(name));
        unknown.sort();
        unknown.iter().map(|name| format!("'{name}'{}", did_you_mean(name, known.iter().copied()))).collect()
    }

    /// Whether it is true with these values as its variables: a value that is no boolean counts as in `{% if … %}`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the values are of the wrong kind for it, text that is compared with a number, say. No
    /// value is in the message.
    pub fn holds(&self, values: &Attributes) -> Result<bool> {
        self.evaluate(Scope { own: Vec::new(), values: values.0.clone(), now: Timestamp::now() })
    }

    /// Whether it is true for a message, of which it sees `customer`, `campaign`, `channel` and the context.
    ///
    /// # Errors
    /// As for [`Expression::holds`].
    pub fn holds_for(&self, message: &Message) -> Result<bool> {
        let own = vec![
            ("customer", message.customer.0.clone()),
            ("campaign", message.campaign.0.clone()),
            ("channel", Value::from(message.channel.as_str())),
        ];
        self.evaluate(Scope { own, values: message.context.0.clone(), now: message.instant })
    }

    /// Runs the engine, which a few expressions make panic.
    fn evaluate(&self, scope: Scope) -> Result<bool> {
        let scope = Value::from_object(scope);
        let caught = || catch_unwind(AssertUnwindSafe(|| self.compiled.eval(scope)));
        match allowance::within(TEXT_BYTES, Limits::default().seconds, caught) {
            Ok(Ok(value)) => Ok(value.is_true()),
            Ok(Err(error)) => Err(explain(&error, &self.sources)),
            Err(_) => Err(Error::new(ErrorKind::InvalidInput, "the expression crashed the renderer")),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text()).finish()
    }
}

/// The variables of an expression.
struct Scope {
    own: Vec<(&'static str, Value)>,
    values: Value,
    now: Timestamp,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope(…)")
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        if let Some((_, value)) = self.own.iter().find(|(name, _)| *name == key) {
            return Some(value.clone());
        }
        let value = self.values.get_attr(key).ok().filter(|value| !value.is_undefined());
        value.or_else(|| {
            let now = self.now;
            (key == "now").then(|| Value::from_function(move || instant(now)))
        })
    }
}

fn check_length(text: &str) -> Result<()> {
    if links(&tokens(text, 0..text.len())) <= LINKS {
        return Ok(());
    }
    let error = Error::new(ErrorKind::InvalidInput, format!("it has more than {LINKS} operators"));
    Err(error.with_help("shorten it; 'x in [1, 2, 3]' stands for many comparisons"))
}

/// The engine would find a wrong name only when it comes to it.
fn check_names(source: &Source) -> Result<()> {
    let tokens = tokens(&source.original, 0..source.original.len());
    for (known, mention) in engine_names(&tokens) {
        if let Some((what, all)) = unknown(known, &mention.name) {
            let hint = did_you_mean(&mention.name, all.iter().map(String::as_str));
            return Err(at(source, mention.offset, &format!("there is no {what} '{}'{hint}", mention.name)));
        }
    }
    let is_hidden = |path: &Mention| {
        let below = |hidden: &&str| {
            path.name.strip_prefix(*hidden).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        HIDDEN.iter().any(below)
    };
    match read_paths(&tokens).iter().find(|path| is_hidden(path)) {
        Some(path) => Err(at(source, path.offset, "a rule does not see vouchers").with_help(
            "ask for attributes of customer, event, campaign or order; limits say how many vouchers one gets",
        )),
        None => Ok(()),
    }
}

/// What it should be, and all that there are of it, unless there is one of this name.
fn unknown(known: Known, name: &str) -> Option<(&'static str, Vec<String>)> {
    match known {
        Known::Filter => (!is_filter(&ENGINE, name)).then(|| ("filter", names::filters(&ENGINE))),
        Known::Test => (!is_test(&ENGINE, name)).then(|| ("test", names::tests(&ENGINE))),
        Known::Function => {
            let mut functions: Vec<String> = names::functions(&ENGINE);
            functions.retain(|function| function != "abort");
            (!functions.iter().any(|function| function == name)).then_some(("function", functions))
        }
    }
}

fn at(source: &Source, offset: usize, message: &str) -> Error {
    let (line, column) = source.position(offset);
    Error::new(ErrorKind::InvalidInput, format!("line {line}, column {column}: {message}"))
}

fn explain(error: &minijinja::Error, sources: &Sources) -> Error {
    if error.kind() == Kind::OutOfFuel {
        return Error::new(ErrorKind::InvalidInput, "it takes more steps than a rule may").with_help("simplify it");
    }
    let TemplateError { message, place } = TemplateError::from_engine(error, &ENGINE, sources);
    let place = place.map(|place| format!("line {}, column {}: ", place.line, place.column)).unwrap_or_default();
    Error::new(ErrorKind::InvalidInput, format!("{place}{message}"))
}

/// What to write instead, where the slip is one that other languages lead to.
fn remedy(text: &str) -> &'static str {
    let slips = [
        ("&&", "write 'and' instead of &&"),
        ("||", "write 'or' instead of ||"),
        ("{{", "leave the braces out: it is an expression already"),
        ("{%", "leave the braces out: it is an expression already"),
        ("<>", "write != instead of <>"),
        ("===", "write == instead of ==="),
    ];
    let slip = slips.into_iter().find(|(slip, _)| text.contains(slip)).map(|(_, remedy)| remedy);
    let assigns = || has_single_equals(text).then_some("write == to compare");
    slip.or_else(assigns).unwrap_or("write an expression such as customer.ltv < 500 and customer.segment != 'vip'")
}

fn has_single_equals(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_operator = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(|byte| b"=!<>".contains(byte));
    (0..bytes.len()).any(|at| bytes[at] == b'=' && !is_operator(at.checked_sub(1)) && bytes.get(at + 1) != Some(&b'='))
}
