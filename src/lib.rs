//! Renders Jinja templates for campaigns and web layers, and tears single-use voucher codes off shared pools **exactly once**.
//!
//! A marketer writes one template. A sender renders it for a million people. Where it says
//! `{{ vouchers['spring'].assign_available() }}` or `$cst.spring.coupon$`, one code leaves a shared pool for exactly that
//! message: atomically, the same code on every retry, none lost when something fails, none given twice.
//!
//! ```
//! use std::sync::Arc;
//! use tearoff::campaign::{Personalizer, RenderThreads};
//! use tearoff::render::{Attributes, Limits, Message, Purpose, Renderer};
//! use tearoff::store::SqliteStore;
//! use tearoff::voucher::{Channel, Code, NewVoucher, PoolName, PoolSettings, Stock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> tearoff::Result<()> {
//! // A pool with one code. `SqliteStore::open("tearoff.db", "default")` keeps it in a file.
//! let store = Arc::new(SqliteStore::in_memory("default")?);
//! let spring = PoolName::new("spring")?;
//! store.create_pool(&spring, &PoolSettings::default()).await?;
//! let voucher = NewVoucher { code: Code::new("SPR-7Q2K")?, expires_at: None, metadata: Default::default() };
//! store.import(&spring, &[voucher]).await?;
//!
//! // A template, and a message for one customer of one campaign.
//! let parts = [("body.txt", "Hi {{ customer.first_name }}, your code is {{ vouchers['spring'].assign_available() }}.")];
//! let template = Arc::new(Renderer::new(Limits::default()).compile("spring-sale", Channel::Sms, parts)?);
//! let message = Message::new(
//!     None, // the id is then spring-2026/c42
//!     (Channel::Sms, Purpose::Live),
//!     Attributes::from_json(r#"{"id": "c42", "first_name": "Ada"}"#)?,
//!     Attributes::from_json(r#"{"id": "spring-2026"}"#)?,
//!     Attributes::default(),
//! )?;
//!
//! let personalizer = Personalizer::new(template, store.clone(), store, Arc::new(RenderThreads::for_this_machine()?));
//! for _ in 0..2 {
//!     // However often it is rendered: the same code.
//!     let outcomes = personalizer.personalize(vec![message.clone()]).await?;
//!     let rendered = outcomes[0].result.as_ref().expect("there is a code");
//!     assert_eq!(rendered.parts[0].1, "Hi Ada, your code is SPR-7Q2K.");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`voucher`] | pools, vouchers, claims, bindings, leases, and the ports that a store implements |
//! | [`store`] | the embedded store |
//! | [`render`] | templates: a pure function that ends complete, failed, or suspended on a voucher |
//! | [`intake`] | files of codes into pools |
//! | [`redemption`] | may this voucher be used, and tracked events that use vouchers |
//! | [`campaign`] | messages through the protocol, one by one or a whole audience from files to files |
//! | [`delivery`] | rendered test e-mails to a tester: by SMTP, or into a file |
//! | [`http`] | the service: a door for senders in any language, and for browsers |
//! | [`cli`] | the program's commands |
//!
//! # Errors
//!
//! Every fallible call returns [`Error`]; ask [`Error::kind`] what it is and [`Error::is_retryable`] whether the same call may
//! succeed later. That a pool is empty is no error but an outcome; that a store cannot be reached is an error and never an
//! empty pool.
//!
//! # Concurrency
//!
//! Stores, templates and personalizers are cheap to share and may be used from any number of tasks, and a store file by
//! several processes of one machine. Dropping a future loses no code: what was only reserved goes back when its lease ends.
#![forbid(unsafe_code)]

pub mod campaign;
pub mod cli;
pub mod delivery;
mod error;
pub mod http;
pub mod intake;
pub mod redemption;
pub mod render;
pub mod store;
pub mod voucher;

pub use error::{Error, ErrorKind, Result};
