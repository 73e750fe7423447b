//! An audience with a header.

use sha2::{Digest, Sha256};

use super::{ColumnType, Columns, Recipient, Row};
use crate::error::{Error, Result};
use crate::intake::{Lines, Record, Table, normalized};
use crate::render::suggest::nearest;
use crate::render::{Attributes, Field, Names};
use crate::voucher::CustomerId;

/// The column that says whom a row is for.
const CUSTOMER_ID: &str = "customer_id";

/// What other systems call that column, without case, spaces and underscores.
const CUSTOMER_ID_ELSEWHERE: [&str; 9] =
    ["customerid", "id", "customer", "contactid", "subscriberid", "userid", "externalid", "registered", "recipientid"];

pub(super) struct DelimitedRows {
    table: Table,
    schema: Schema,
}

/// What the columns of a row make.
struct Schema {
    /// `id`, then every column with a name.
    names: Names,
    columns: Vec<Column>,
    customer_id: usize,
    width: usize,
}

struct Column {
    index: usize,
    name: String,
    column_type: ColumnType,
}

impl DelimitedRows {
    pub(super) fn open(lines: Lines, columns: &Columns, hash: &mut Sha256) -> Result<DelimitedRows> {
        let table = Table::open(lines, None)?;
        let customer_id = customer_id_column(&table)?;
        table.check_names()?;
        check_columns(&table, columns)?;
        let schema = Schema::new(table.names(), columns, customer_id);
        hash.update((table.names().len() as u64).to_le_bytes());
        update(hash, table.names().iter().map(String::as_str));
        Ok(DelimitedRows { table, schema })
    }

    pub(super) fn lines(&self) -> &Lines {
        self.table.lines()
    }

    pub(super) fn next(&mut self, number: u64, hash: &mut Sha256) -> Result<Option<Row>> {
        let Some(record) = self.table.next()? else { return Ok(None) };
        let (line, found, width) = (record.line(), record.len(), self.schema.width);
        if found == width {
            update(hash, record.fields());
            return Ok(Some(self.schema.row(number, record)));
        }
        let error = self.table.lines().error_at(line, format!("the row has {found} fields, the header has {width}"));
        Err(error.with_help("put fields that hold the delimiter or a line break in double quotes"))
    }
}

/// Each field with its length before it, so that no two rows look alike.
fn update<'a>(hash: &mut Sha256, fields: impl Iterator<Item = &'a str>) {
    for field in fields {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
}

impl Schema {
    fn new(header: &[String], types: &Columns, customer_id: usize) -> Schema {
        let named = header.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let columns: Vec<Column> = named
            .map(|(index, name)| Column {
                index,
                name: name.clone(),
                column_type: types.get(name).copied().unwrap_or(ColumnType::Text),
            })
            .collect();
        let names = Names::new(std::iter::once("id").chain(columns.iter().map(|column| column.name.as_str())));
        Schema { names, columns, customer_id, width: header.len() }
    }

    fn row(&self, number: u64, record: &Record) -> Row {
        let line = record.line();
        let id = record.get(self.customer_id).unwrap_or_default();
        let customer_id = CustomerId::new(if id.trim().is_empty() { "" } else { id });
        let content = match &customer_id {
            Err(error) => Err(format!("line {line}: {error}")),
            Ok(customer_id) => self.recipient(customer_id, record),
        };
        Row { number, line, customer_id: customer_id.ok(), content }
    }

    fn recipient(&self, customer_id: &CustomerId, record: &Record) -> Result<Recipient, String> {
        let mut fields = Vec::with_capacity(self.columns.len() + 1);
        fields.push(Field::text(customer_id.as_str()));
        for Column { index, name, column_type } in &self.columns {
            let field = column_type.read(record.get(*index).unwrap_or_default());
            fields.push(field.map_err(|expected| format!("line {}: column '{name}' takes {expected}", record.line()))?);
        }
        let customer = Attributes::from_row(&self.names, fields);
        Ok(Recipient { customer_id: customer_id.clone(), customer, context: Attributes::default() })
    }
}

fn customer_id_column(table: &Table) -> Result<usize> {
    let names = || table.names().iter().map(String::as_str);
    let Some(customer_id) = names().position(|name| name == CUSTOMER_ID) else {
        return Err(no_customer_id(table));
    };
    if names().any(|name| name == "id") {
        let error = table.lines().error("the columns 'customer_id' and 'id' would both be customer.id");
        return Err(error.with_help("rename the column 'id'"));
    }
    Ok(customer_id)
}

/// Without a header the first line holds somebody's data, so of its fields only what looks like the right name is shown.
fn no_customer_id(table: &Table) -> Error {
    let names = || table.names().iter().map(String::as_str);
    let known = CUSTOMER_ID_ELSEWHERE.iter().find_map(|known| names().find(|name| normalized(name) == *known));
    let error = table.lines().error("the first line names no column 'customer_id'");
    match known.or_else(|| nearest(CUSTOMER_ID, names())) {
        Some(near) => error.with_help(format!("rename the column '{near}' to 'customer_id', if that is what it holds")),
        None => {
            error.with_help("name the columns in the first line, and call the one with the customer's id 'customer_id'")
        }
    }
}

fn check_columns(table: &Table, columns: &Columns) -> Result<()> {
    let names = || table.names().iter().map(String::as_str);
    let Some(unknown) = columns.keys().find(|column| !names().any(|name| name == *column)) else { return Ok(()) };
    let error = table.lines().error(format!("there is no column '{unknown}', to which the campaign gives a type"));
    Err(match nearest(unknown, names()) {
        Some(near) => error.with_help(format!("did you mean '{near}'?")),
        None => error.with_help("take it out of 'columns', or add it to the audience"),
    })
}
