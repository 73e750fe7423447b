//! `assign`: vouchers outside of messages, for a step of a workflow.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::output::{counted, grouped};
use super::report::in_argument;
use super::sheet::{Column, Form, write_rows};
use super::{Context, Exit};
use crate::campaign::{Assigned, Assignment, Audience, AudienceSource, ColumnType, Columns, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Expression;
use crate::voucher::PoolName;

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff assign spring --node welcome-step --audience audience.csv > codes.csv
  tearoff assign spring --node winback-10 --audience - --where \"campaign_id == '10_dollars_off'\" --format jsonl
  tearoff assign spring --node win --audience people.csv --columns code,expires_at,metadata.discount

A customer gets one voucher for each node, and the same one however often the step is repeated. It becomes the customer's
current voucher of the pool: what $cst.POOL.coupon$ prints. Where there is not enough for everybody, nobody gets one.")]
pub(super) struct Assign {
    /// The pool
    pool: String,
    /// The step that assigns: letters, digits, '-' and '_'. It shares its ids with a campaign of the same name
    #[arg(long, value_name = "ID")]
    node: String,
    /// Whom to assign to: a file as for a campaign, or - for standard input
    #[arg(long, value_name = "FILE")]
    audience: PathBuf,
    /// Take new vouchers only from those for which this is true: an expression over their columns and expires_at
    #[arg(long = "where", value_name = "EXPR")]
    condition: Option<String>,
    /// What to print behind customer_id: code, expires_at, assigned_at, pool, metadata.COLUMN
    #[arg(long, value_name = "NAMES", default_value = "code", value_delimiter = ',')]
    columns: Vec<String>,
    /// How to print the rows
    #[arg(long, value_enum, default_value_t = Form::Csv)]
    format: Form,
    /// The type of a column of the audience that the pool's rule looks at, such as ltv=number; may be given several times
    #[arg(long = "type", value_name = "COLUMN=TYPE")]
    types: Vec<String>,
}

impl Assign {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let pool = PoolName::new(&self.pool)?;
        let condition = self.condition.as_deref().map(Expression::new).transpose();
        let condition = condition.map_err(|error| in_argument("--where", &error))?;
        let columns = self.columns.iter().map(|name| name.parse()).collect::<Result<Vec<Column>>>();
        let columns = columns.map_err(|error| in_argument("--columns", &error))?;
        let store = context.open().await?;
        let watch = context.watch(Arc::clone(&store) as _)?;
        let assignment = Assignment::new(store, pool, &self.node).map_err(|error| in_argument("--node", &error))?;
        let assignment = assignment.only_where(condition).watched_by(Some(watch.stock.clone()));
        let plan = assignment.plan(Audience::open(&self.source(), &self.types()?)?).await?;
        let mut printed = 0;
        let mut land = |assigned: Vec<Assigned>| {
            let rows = write_rows(self.format, &columns, &assigned, printed == 0)?;
            printed += assigned.len() as u64;
            context.output.text(&rows)
        };
        let assigned = assignment.run(&plan, &mut land).await;
        watch.end().await;
        let retired = assigned?;
        if plan.customers().is_empty() {
            context.output.text(&write_rows(self.format, &columns, &[], true)?)?;
        }
        tell(context, &plan, printed, retired);
        Ok(Exit::Done)
    }

    fn source(&self) -> AudienceSource {
        match self.audience.to_str() {
            Some("-") => AudienceSource::Standard,
            _ => AudienceSource::File(self.audience.clone()),
        }
    }

    fn types(&self) -> Result<Columns> {
        let read = |given: &String| {
            let (column, kind) = given.split_once('=').ok_or_else(|| {
                let error = Error::new(ErrorKind::InvalidInput, format!("--type: '{given}' has no '='"));
                error.with_help("write COLUMN=TYPE, such as ltv=number")
            })?;
            Ok((column.to_owned(), kind.parse::<ColumnType>().map_err(|error| in_argument("--type", &error))?))
        };
        self.types.iter().map(read).collect()
    }
}

fn tell(context: &Context, plan: &Plan, printed: u64, retired: u64) {
    let mut parts = vec![format!("{} assigned", counted(plan.new, "new voucher"))];
    let counts = [
        (printed.saturating_sub(plan.new), "had theirs"),
        (plan.not_eligible, "not eligible"),
        (retired, "released by hand, and retired"),
        (plan.duplicates, "twice in the audience"),
    ];
    parts.extend(
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(count))),
    );
    context.output.remark(parts.join(", "));
}
