//! Templates: the only room that names the template engine.
//!
//! [`Renderer`] compiles a [`Template`]; [`Template::render`] turns a [`Message`] and what is [`Known`] of its vouchers into a
//! [`Rendering`]. Nothing here waits and nothing here sees a store.

mod allowance;
mod attributes;
mod capped;
mod compiled;
mod context;
mod entities;
mod expression;
mod failure;
mod isolation;
mod jinja;
mod known;
mod lint;
mod mentions;
mod message;
mod one_line;
mod operators;
mod parts;
mod plain_text;
mod renderer;
mod scan;
mod session;
mod source;
mod source_limits;
mod sources;
pub(crate) mod suggest;
mod template;
mod ticks;
mod vouchers;

pub use attributes::{Attributes, Field, Names};
pub use expression::Expression;
pub use failure::{Failure, Place, TemplateError};
pub use isolation::{Isolation, work as work_isolated};
pub use known::Known;
pub use lint::{Finding, Rule};
pub use message::{Message, Purpose};
pub use renderer::{Limits, Renderer};
pub use session::Used;
pub use template::{PoolMention, Rendered, Rendering, Suspension, Template};
