//! What is available in a pool, as one sees it outside of any script.

use redis::Value;

use super::RedisStore;
use super::reply::{self, strange};
use super::script::Call;
use crate::error::Result;
use crate::voucher::{Code, PoolName};

/// About how many lots one step looks at.
const PORTION: usize = 100;

/// Where available codes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Each by itself.
    Tray,
    /// In blobs.
    Shelf,
}

impl Place {
    fn as_str(self) -> &'static str {
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
    /// When its codes end by themselves, in milliseconds; [`i64::MAX`] for never.
    pub(super) ends: i64,
    pub(super) place: Place,
    member: String,
}

impl Lot {
    fn read(place: Place, member: &Value, score: &Value) -> Result<Lot> {
        let score: f64 = reply::text(score.clone())?.parse().map_err(|_| strange())?;
        let ends = if score.is_finite() { score as i64 } else { i64::MAX };
        Ok(Lot { ends, place, member: reply::text(member.clone())? })
    }

    /// Its codes. Those of a blob are of one chunk.
    pub(super) fn codes(&self) -> Result<Vec<Code>> {
        let codes = self.member.get(self.place.mark()..).unwrap_or_default().split('\n');
        codes.map(|code| Code::new(code).map_err(|_| strange())).collect()
    }

    /// Adds to a call where the lot lies.
    pub(super) fn push(&self, call: &mut Call) {
        call.push(self.place.as_str());
        call.push(self.member.as_str());
    }
}

/// Codes that are meant, and the lot that they lie in.
pub(super) struct Pick {
    pub(super) lot: Lot,
    pub(super) codes: Vec<Code>,
}

impl Pick {
    /// Adds to a call where the codes lie, and the codes.
    pub(super) fn push(&self, call: &mut Call) {
        self.lot.push(call);
        call.push(self.codes.iter().map(Code::as_str).collect::<Vec<_>>().join("\n"));
    }
}

/// How far one has come on a walk through everything, in no order. Each lot that lies in the pool all the time is met, perhaps
/// twice. Codes move from the shelf to the tray only, so who looks through the shelf first misses none that stays available.
pub(super) struct Walk {
    next: Option<(Place, String)>,
}

impl Walk {
    pub(super) fn new() -> Walk {
        Walk { next: Some((Place::Shelf, "0".to_owned())) }
    }
}

impl RedisStore {
    fn key_of(&self, pool: &PoolName, place: Place) -> String {
        match place {
            Place::Shelf => self.keys.pool(pool).shelf(),
            Place::Tray => self.keys.pool(pool).tray(),
        }
    }

    /// The next few lots, or none; nothing at the end.
    pub(super) async fn step(&self, pool: &PoolName, walk: &mut Walk) -> Result<Option<Vec<Lot>>> {
        let Some((place, cursor)) = walk.next.take() else { return Ok(None) };
        let mut query = redis::cmd("ZSCAN");
        query.arg(self.key_of(pool, place)).arg(cursor).arg("COUNT").arg(PORTION);
        let [cursor, found] = reply::list(self.link.query(&query).await?)?.try_into().map_err(|_| strange())?;
        walk.next = match (reply::text(cursor)?.as_str(), place) {
            ("0", Place::Shelf) => Some((Place::Tray, "0".to_owned())),
            ("0", Place::Tray) => None,
            (cursor, _) => Some((place, cursor.to_owned())),
        };
        let mut lots = lots(place, found)?;
        lots.sort_unstable();
        lots.dedup();
        Ok(Some(lots))
    }

    /// A few lots that end after `now`, those first that end first, behind as many.
    pub(super) async fn lots_behind(&self, pool: &PoolName, place: Place, now: i64, before: usize) -> Result<Vec<Lot>> {
        let mut query = redis::cmd("ZRANGEBYSCORE");
        query.arg(self.key_of(pool, place)).arg(format!("({now}")).arg("+inf").arg("WITHSCORES");
        query.arg("LIMIT").arg(before).arg(PORTION);
        lots(place, self.link.query(&query).await?)
    }
}

fn lots(place: Place, found: Value) -> Result<Vec<Lot>> {
    reply::list(found)?.chunks_exact(2).map(|pair| Lot::read(place, &pair[0], &pair[1])).collect()
}
