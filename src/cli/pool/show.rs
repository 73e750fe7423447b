//! `pool list` and `pool show`: counts and settings.

use clap::Args;
use comfy_table::{Cell, Color, Table};
use jiff::Timestamp;

use super::card::{pace_row, rows};
use super::find;
use crate::cli::output::{BOLD, card, grouped, table};
use crate::cli::{Context, Exit, Format};
use crate::error::Result;
use crate::voucher::{CountsForm, Pace, PoolCounts, PoolForm, PoolSettings, PoolStatus};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool list
  tearoff pool list --json | jq '.[] | select(.available < 1000) | .pool'")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff pool show spring
  tearoff pool show spring --json | jq .available")]
pub(in crate::cli) struct Show {
    /// The pool
    pool: String,
    #[command(flatten)]
    format: Format,
}

impl List {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let pools = context.open().await?.pools().await?;
        if self.format.json {
            context.output.json(&pools.iter().map(CountsForm::from).collect::<Vec<_>>())?;
        } else if pools.is_empty() {
            let Context { store, project, .. } = context;
            context.output.remark(format!(
                "project '{project}' in {store} has no pools yet; make one with 'tearoff pool create POOL'"
            ));
        } else {
            context.output.table(overview(&pools))?;
        }
        Ok(Exit::Done)
    }
}

fn overview(pools: &[PoolStatus]) -> Table {
    let mut overview = table(&["POOL", ">AVAILABLE", "", ">", ">TOTAL", ">ASSIGNED", ">REDEEMED", "STATE"]);
    for PoolStatus { name, settings, counts } in pools {
        let (share, bar) = share(counts.available, counts.total);
        overview.add_row([
            Cell::new(name),
            Cell::new(grouped(counts.available)),
            Cell::new(bar).fg(Color::Green),
            Cell::new(share),
            Cell::new(grouped(counts.total)),
            Cell::new(grouped(counts.assigned)),
            Cell::new(grouped(counts.redeemed)),
            state(settings, counts),
        ]);
    }
    overview
}

/// Whether a new claim would get a voucher, and where from.
fn state(settings: &PoolSettings, counts: &PoolCounts) -> Cell {
    let (text, color) = match (settings.paused, counts.available, &settings.overflow, &settings.fallback) {
        (true, ..) => ("paused".to_owned(), Color::Yellow),
        (_, 1.., ..) => ("open".to_owned(), Color::Green),
        (_, _, Some(overflow), _) => (format!("empty → {overflow}"), Color::Yellow),
        _ if settings.pattern.is_some() => ("makes codes".to_owned(), Color::Green),
        (_, _, _, Some(_)) => ("empty, fallback".to_owned(), Color::Yellow),
        _ => ("empty".to_owned(), Color::Red),
    };
    Cell::new(text).fg(color)
}

/// The share of a part, as a percentage and as a bar. What is there at all is at least one percent.
fn share(part: u64, whole: u64) -> (String, String) {
    const WIDTH: u128 = 10;
    let scaled = |to: u128| u128::from(part) * to / u128::from(whole.max(1));
    let percent = if part > 0 { scaled(100).max(1) } else { 0 };
    let filled = if part > 0 { scaled(WIDTH).max(1) } else { 0 };
    let bar = (0..WIDTH).map(|step| if step < filled { '█' } else { '░' }).collect();
    (format!("{percent} %"), bar)
}

impl Show {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let store = context.open().await?;
        let pool = find(&*store, &self.pool).await?;
        let pace = Pace::of(&*store, &pool, Timestamp::now()).await?;
        if self.format.json {
            context.output.json(&PoolForm::at(&pool, pace))?;
        } else {
            context.output.text(&context.output.styled(BOLD, &pool.name))?;
            context.output.table(breakdown(&pool.counts))?;
            context.output.text("")?;
            context.output.table(card(rows(&pool).into_iter().chain(pace_row(pace))))?;
        }
        Ok(Exit::Done)
    }
}

fn breakdown(counts: &PoolCounts) -> Table {
    let PoolCounts { total, available, reserved, assigned, redeemed, expired, void } = *counts;
    let mut breakdown = table(&["STATE", ">VOUCHERS", ">", ""]);
    for (state, count) in [
        ("available", available),
        ("reserved", reserved),
        ("assigned", assigned),
        ("redeemed", redeemed),
        ("expired", expired),
        ("void", void),
    ] {
        let (share, bar) = share(count, total);
        breakdown.add_row([state, &grouped(count), &share, &bar]);
    }
    breakdown.add_row(["total", &grouped(total)]);
    breakdown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_nothing() {
        assert_eq!(share(0, 0), ("0 %".into(), "░░░░░░░░░░".into()));
        assert_eq!(share(1, 5_000_000), ("1 %".into(), "█░░░░░░░░░".into()));
        assert_eq!(share(999, 1_000), ("99 %".into(), "█████████░".into()));
        assert_eq!(share(u64::MAX, u64::MAX), ("100 %".into(), "██████████".into()));
    }
}
