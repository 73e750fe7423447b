//! What was measured, run by run.

use std::time::{Duration, Instant};

use crate::error::Result;

/// The values of each figure, one a run, in the order in which figures first came.
#[derive(Debug, Default)]
pub(super) struct Record {
    rows: Vec<(String, Samples)>,
}

/// One value a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples(Vec<f64>);

impl Record {
    /// Adds what a run gave for a figure.
    pub(super) fn add(&mut self, figure: impl Into<String>, value: f64) {
        let figure = figure.into();
        match self.rows.iter_mut().find(|(name, _)| *name == figure) {
            Some((_, samples)) => samples.0.push(value),
            None => self.rows.push((figure, Samples(vec![value]))),
        }
    }

    pub(super) fn get(&self, figure: &str) -> Option<&Samples> {
        self.rows.iter().find(|(name, _)| name == figure).map(|(_, samples)| samples)
    }
}

impl Samples {
    /// The ratio of two figures within each run, so that a drift of the machine hits both alike.
    pub(super) fn over(&self, other: &Samples) -> Samples {
        Samples(self.0.iter().zip(&other.0).map(|(value, other)| value / other).collect())
    }

    pub(super) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
    }

    pub(super) fn least(&self) -> f64 {
        self.sorted()[0]
    }

    pub(super) fn most(&self) -> f64 {
        self.sorted()[self.0.len() - 1]
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// How long something takes.
pub(super) async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let began = Instant::now();
    let done = work.await?;
    Ok((done, began.elapsed()))
}

/// How many of `count` things are done a second by `work`, which does them all.
pub(super) async fn rate(count: usize, work: impl Future<Output = Result<()>>) -> Result<f64> {
    let ((), time) = timed(work).await?;
    Ok(count as f64 / time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_ratios_of_each_run() {
        let mut record = Record::default();
        for (value, unit) in [(9.0, 10.0), (2.0, 4.0), (30.0, 10.0), (8.0, 10.0)] {
            record.add("value", value);
            record.add("unit", unit);
        }
        let ratio = record.get("value").unwrap().over(record.get("unit").unwrap());
        assert_eq!(ratio, Samples(vec![0.9, 0.5, 3.0, 0.8]));
        assert!((ratio.median() - 0.85).abs() < 1e-9);
        assert_eq!((ratio.least(), ratio.most()), (0.5, 3.0));
        assert_eq!(record.get("unit").unwrap().median(), 10.0);
        assert_eq!(record.get("none"), None);
    }
}
