//! Which column says what.

use jiff::Timestamp;
use serde_json::Value;

use super::cell::{Cell, CodeRules};
use super::{Options, invalid, normalized};
use crate::error::Result;
use crate::render::suggest::nearest;
use crate::voucher::{Metadata, NewVoucher};

/// What a column of codes is called, as the systems that export codes call it; the first that is there counts.
const CODE_NAMES: [&str; 14] = [
    "code",
    "coupon",
    "coupon code",
    "voucher",
    "voucher code",
    "promo code",
    "promotion code",
    "discount code",
    "gift code",
    "codes",
    "coupons",
    "coupon codes",
    "vouchers",
    "voucher codes",
];

const EXPIRY_NAME: &str = "expires_at";
const START_NAME: &str = "valid_from";

/// Which column of a table says what.
pub(super) struct Columns {
    code: usize,
    expires_at: Option<usize>,
    valid_from: Option<usize>,
    metadata: Vec<(usize, String)>,
    count: usize,
    rules: CodeRules,
    now: Timestamp,
}

impl Columns {
    /// The columns of these names; `source` stands in errors.
    pub(super) fn of(source: &str, names: &[String], options: &Options) -> Result<Columns> {
        let code = match &options.column {
            Some(column) => named_column(source, names, column)?,
            None => code_column(source, names)?,
        };
        check_names(source, names)?;
        let others = || names.iter().enumerate().filter(|(index, name)| *index != code && !name.is_empty());
        let called = |known| others().find(|(_, name)| normalized(name) == normalized(known)).map(|(index, _)| index);
        let (expires_at, valid_from) = (called(EXPIRY_NAME), called(START_NAME));
        let metadata = others().filter(|(index, _)| ![expires_at, valid_from].contains(&Some(*index)));
        let metadata = metadata.map(|(index, name)| (index, name.clone())).collect();
        let (rules, now) = (CodeRules::new(options), Timestamp::now());
        Ok(Columns { code, expires_at, valid_from, metadata, count: names.len(), rules, now })
    }

    /// Nothing but codes, in a single column without a name.
    pub(super) fn single(options: &Options) -> Columns {
        let (rules, now) = (CodeRules::new(options), Timestamp::now());
        Columns { code: 0, expires_at: None, valid_from: None, metadata: Vec::new(), count: 1, rules, now }
    }

    pub(super) fn with_guessed_encoding(mut self, guessed: bool) -> Columns {
        self.rules.only_ascii = guessed;
        self
    }

    pub(super) fn code(&self) -> usize {
        self.code
    }

    /// The voucher of a row with so many fields, or why there is none.
    pub(super) fn voucher<'a>(
        &self,
        fields: usize,
        cell: impl Fn(usize) -> Cell<'a>,
        value: impl Fn(usize) -> Value,
    ) -> Result<NewVoucher, String> {
        if fields != self.count {
            return Err(format!("the row has {fields} fields, the header has {}", self.count));
        }
        let code = self.rules.code(&cell(self.code))?;
        let expires_at = self.expires_at.map(|index| cell(index).end(EXPIRY_NAME)).transpose()?.flatten();
        if let Some(index) = self.valid_from {
            check_start(&cell(index), self.now)?;
        }
        let metadata: Metadata = self.metadata.iter().map(|(index, name)| (name.clone(), value(*index))).collect();
        Ok(NewVoucher { code, expires_at, metadata })
    }
}

/// The voucher of named values.
pub(super) fn named_voucher(
    mut values: Metadata,
    column: Option<&str>,
    rules: CodeRules,
    now: Timestamp,
) -> Result<NewVoucher, String> {
    let code = code_key(&values, column)?;
    let code = values.shift_remove(&code).unwrap_or_default();
    let code = rules.code(&Cell::of_json(&code))?;
    let expires_at = take(&mut values, EXPIRY_NAME).map(|value| Cell::of_json(&value).end(EXPIRY_NAME));
    if let Some(value) = take(&mut values, START_NAME) {
        check_start(&Cell::of_json(&value), now)?;
    }
    Ok(NewVoucher { code, expires_at: expires_at.transpose()?.flatten(), metadata: values })
}

fn code_key(values: &Metadata, column: Option<&str>) -> Result<String, String> {
    match column {
        Some(column) => key(values, column),
        None => CODE_NAMES.iter().find_map(|known| key(values, known)),
    }
    .ok_or_else(|| match column {
        Some(column) => format!("there is no member '{column}'"),
        None => "no member is called 'code'".to_owned(),
    })
}

fn take(values: &mut Metadata, known: &str) -> Option<Value> {
    values.shift_remove(&key(values, known)?)
}

/// The key of this name, as it is written.
fn key(values: &Metadata, name: &str) -> Option<String> {
    let exact = values.get_key_value(name).map(|(key, _)| key);
    exact.or_else(|| values.keys().find(|key| normalized(key) == normalized(name))).cloned()
}

/// A voucher cannot wait in a pool until it is valid.
fn check_start(cell: &Cell<'_>, now: Timestamp) -> Result<(), String> {
    match cell.start(START_NAME)? {
        Some(start) if start > now => {
            Err(format!("{START_NAME} lies in the future; import the voucher when it is valid"))
        }
        _ => Ok(()),
    }
}

/// Whether a column of this name holds codes.
pub(super) fn is_code_name(name: &str) -> bool {
    CODE_NAMES.iter().any(|known| normalized(known) == normalized(name))
}

/// Refuses a header that names two columns alike. Columns without a name are no columns.
pub(super) fn check_names(source: &str, names: &[String]) -> Result<()> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            Err(invalid(source, format!("two columns are called '{}'", pair[0]))
                .with_help("rename or remove one of them"))
        }
    }
}

fn code_column(source: &str, names: &[String]) -> Result<usize> {
    let position = |known: &&str| names.iter().position(|name| normalized(name) == normalized(known));
    CODE_NAMES.iter().find_map(position).ok_or_else(|| {
        // Without a header the first line holds a code, so it is not shown.
        let error = invalid(source, "the first line names no column of codes");
        error.with_help(format!(
            "call the column one of {}, or say which one it is with --column NAME; \
             if the first line holds a code, write a line 'code' above it",
            CODE_NAMES[..6].join(", ")
        ))
    })
}

fn named_column(source: &str, names: &[String], column: &str) -> Result<usize> {
    let all = || names.iter().map(String::as_str);
    let exact = all().position(|name| name == column.trim());
    exact.or_else(|| all().position(|name| normalized(name) == normalized(column))).ok_or_else(|| {
        let error = invalid(source, format!("there is no column '{column}'"));
        match nearest(column, all()) {
            Some(near) => error.with_help(format!("did you mean '{near}'?")),
            None => error.with_help("give the name as it stands in the first line"),
        }
    })
}
