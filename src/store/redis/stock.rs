//! Walking through what is available in a pool, in portions and outside of any script.
//!
//! Each lot that lies in the pool while one walks is met, perhaps twice. Codes move from the shelf to the tray only, so who looks
//! through the shelf first misses none that stays available.

use redis::Value;

use super::RedisStore;
use super::reply::{self, strange};
use crate::error::Result;
use crate::voucher::PoolName;

/// About how many lots one step looks at.
const PORTION: usize = 100;

/// Where available codes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In blobs.
    Shelf,
    /// Each by itself.
    Tray,
}

impl Place {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Place::Shelf => "shelf",
            Place::Tray => "tray",
        }
    }

    /// How long what a lot begins with is.
    fn mark(self) -> usize {
        match self {
            Place::Shelf => 9,
            Place::Tray => 2,
        }
    }
}

/// A member of the shelf or the tray.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lot {
    pub(super) place: Place,
    pub(super) member: String,
}

impl Lot {
    pub(super) fn codes(&self) -> impl Iterator<Item = &str> {
        self.member.get(self.place.mark()..).unwrap_or_default().split('\n')
    }
}

/// How far one has come.
pub(super) struct Walk {
    next: Option<(Place, String)>,
}

impl Walk {
    pub(super) fn new() -> Walk {
        Walk { next: Some((Place::Shelf, "0".to_owned())) }
    }
}

impl RedisStore {
    /// The next few lots, or none; nothing at the end.
    pub(super) async fn step(&self, pool: &PoolName, walk: &mut Walk) -> Result<Option<Vec<Lot>>> {
        let Some((place, cursor)) = walk.next.take() else { return Ok(None) };
        let keys = self.keys.pool(pool);
        let mut query = redis::cmd("ZSCAN");
        query.arg(if place == Place::Shelf { keys.shelf() } else { keys.tray() });
        query.arg(cursor).arg("COUNT").arg(PORTION);
        let [cursor, found] = reply::list(self.link.query(&query).await?)?.try_into().map_err(|_| strange())?;
        walk.next = match (reply::text(cursor)?.as_str(), place) {
            ("0", Place::Shelf) => Some((Place::Tray, "0".to_owned())),
            ("0", Place::Tray) => None,
            (cursor, _) => Some((place, cursor.to_owned())),
        };
        let lot = |member: &Value| Ok(Lot { place, member: reply::text(member.clone())? });
        let mut lots = reply::list(found)?.iter().step_by(2).map(lot).collect::<Result<Vec<_>>>()?;
        lots.sort_unstable();
        lots.dedup();
        Ok(Some(lots))
    }
}
