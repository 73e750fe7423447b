//! May this voucher be used, by this customer, for this order? The rules of a pool, and tracked events that use vouchers.
//!
//! [`Redeemer`] judges a [`Wish`] by the rules of the voucher's pool and has the store use the voucher, once. [`Mapping`] says
//! which tracked events are wishes. `docs/REDEMPTION.md` is for those who connect a shop.

mod mapping;
mod purchase;
mod redeemer;
mod rules;
mod tally;

pub use mapping::Mapping;
pub use purchase::{Purchase, Wish};
pub use redeemer::{Answer, Redeemer, Validity};
pub use tally::Tally;
