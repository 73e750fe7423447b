//! Which events a run and the retries after it explain.

use std::collections::BTreeSet;

/// The passes over an audience, as its events tell them.
///
/// The first pass gives each recipient one event. A retry begins, once its pass is complete, at the first recipient whose last
/// event is `enqueue_failed`, and goes through all of them in the same order. So an event that repeats an earlier one is
/// explained by a retry that is on its way to there, or that can begin there. Recipients are known by the line of their first
/// event.
#[derive(Debug, Default)]
pub(super) struct Passes {
    failed: BTreeSet<u32>,
    /// How far the retry is that is under way.
    retried: Option<u32>,
}

impl Passes {
    /// The first event of a recipient.
    pub(super) fn first(&mut self, recipient: u32, failed: bool) {
        self.retried = None;
        if failed {
            self.failed.insert(recipient);
        }
    }

    /// A further event of a recipient whose last one was `enqueue_failed`; says whether a retry explains it.
    pub(super) fn again(&mut self, recipient: u32, failed: bool) -> bool {
        let goes_on = self.retried.is_some_and(|before| before < recipient);
        let is_over = self.retried.is_none_or(|before| self.failed.range(before + 1..).next().is_none());
        let begins = is_over && self.failed.first() == Some(&recipient);
        self.retried = Some(recipient);
        if !failed {
            self.failed.remove(&recipient);
        }
        goes_on || begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each event is explained: recipients by number, `true` where it fails.
    fn explained(events: &[(u32, bool)]) -> Vec<bool> {
        let (mut passes, mut known) = (Passes::default(), BTreeSet::new());
        let mut explain = |&(recipient, failed): &(u32, bool)| {
            if known.insert(recipient) {
                passes.first(recipient, failed);
                return true;
            }
            passes.again(recipient, failed)
        };
        events.iter().map(&mut explain).collect()
    }

    #[test]
    fn retries_go_through_all_who_failed() {
        let all = [
            (1, true),
            (2, false),
            (3, true),
            (4, true),
            (1, true),
            (3, false),
            (4, true),
            (1, false),
            (4, true),
            (4, false),
        ];
        assert_eq!(explained(&all), [true; 10]);
        assert_eq!(explained(&[(1, true), (1, true), (1, false), (2, true), (2, true)]), [true; 5]);
    }

    #[test]
    fn an_event_that_stands_there_twice_is_no_retry() {
        assert_eq!(explained(&[(1, true), (2, true), (2, true), (3, true)]), [true, true, false, true]);
        let in_a_retry = [(1, true), (2, true), (1, true), (1, true), (2, true)];
        assert_eq!(explained(&in_a_retry), [true, true, true, false, true]);
    }
}
