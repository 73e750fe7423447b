//! What a pool's owner allows, as far as it is judged for a message before anything is claimed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::render::{Expression, Message};
use crate::voucher::{Lookup, PoolName, PoolSettings};

/// How long a look at a pool's settings counts: so long may a changed rule take to hold in a sender that is running.
const LOOK: Duration = Duration::from_secs(1);

/// Who may get a voucher of a pool.
#[derive(Debug)]
pub(super) struct Rule {
    pool: PoolName,
    /// A store takes whatever it is given.
    expression: Result<Expression>,
}

/// What a rule says of a message.
#[derive(Debug)]
pub(super) enum Verdict {
    Eligible,
    NotEligible,
    /// It cannot be judged: what is wrong, in the words of an outcome.
    Broken(String),
}

impl Rule {
    /// The rule of a pool with these settings, if it has one.
    pub(super) fn of(pool: &PoolName, settings: &PoolSettings) -> Option<Rule> {
        let text = settings.eligible.as_ref()?;
        Some(Rule { pool: pool.clone(), expression: Expression::new(text) })
    }

    pub(super) fn judge(&self, message: &Message) -> Verdict {
        let broken = |error: &Error| Verdict::Broken(format!("pool '{}', its setting 'eligible': {error}", self.pool));
        match &self.expression {
            Err(error) => broken(error),
            Ok(expression) => match expression.holds_for(message) {
                Ok(true) => Verdict::Eligible,
                Ok(false) => Verdict::NotEligible,
                Err(error) => broken(&error),
            },
        }
    }
}

/// What is known of a pool's settings.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) rule: Option<Arc<Rule>>,
    /// Whether somebody wants to be told when few vouchers are left.
    pub(super) is_watched: bool,
}

/// The settings of pools, looked up when they are needed, and each at most once a second.
pub(super) struct Rules {
    lookup: Arc<dyn Lookup>,
    pools: Mutex<HashMap<PoolName, (Instant, Arc<Known>)>>,
}

impl Rules {
    pub(super) fn new(lookup: Arc<dyn Lookup>) -> Rules {
        Rules { lookup, pools: Mutex::default() }
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<PoolName, (Instant, Arc<Known>)>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a pool; nothing is where there is no such pool, of which the store says so when it is asked.
    pub(super) async fn of(&self, pool: &PoolName) -> Result<Arc<Known>> {
        let fresh =
            self.pools().get(pool).filter(|(looked, _)| looked.elapsed() < LOOK).map(|(_, known)| known.clone());
        if let Some(known) = fresh {
            return Ok(known);
        }
        let known = match self.lookup.pool(pool).await? {
            Some(status) => Known {
                rule: Rule::of(pool, &status.settings).map(Arc::new),
                is_watched: !status.settings.low_stock.is_empty(),
            },
            None => Known::default(),
        };
        let known = Arc::new(known);
        self.pools().insert(pool.clone(), (Instant::now(), Arc::clone(&known)));
        Ok(known)
    }
}
