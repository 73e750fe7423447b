//! What Jinja2 3.1 has and minijinja lacks or does differently.
//!
//! Filters, tests, functions and methods stand in tables: name, parameters as in Python, and what they do.
//! `docs/TEMPLATES-JINJA2.md` tells authors what is left different.

mod args;
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod corpus;
mod dates;
mod engine_filters;
mod functions;
mod groups;
mod instant;
mod json;
mod layout;
mod markup;
mod methods;
pub(crate) mod names;
mod numbers;
mod output;
#[cfg(test)]
mod page;
mod printf;
mod random;
mod sequences;
mod str_format;
mod str_methods;
mod strings;
mod tests;
mod text;
mod urlize;

use minijinja::{Environment, UndefinedBehavior};

pub(crate) use functions::kept;
pub(crate) use instant::Instant;
pub(crate) use output::format_value;
pub(crate) use random::SEED;

const FILTERS: [&[args::Entry]; 11] = [
    dates::FILTERS,
    engine_filters::FILTERS,
    groups::FILTERS,
    json::FILTERS,
    layout::FILTERS,
    markup::FILTERS,
    numbers::FILTERS,
    random::FILTERS,
    sequences::FILTERS,
    strings::FILTERS,
    urlize::FILTERS,
];

/// Gives an environment what Jinja2 3.1 gives: its filters, tests, functions, methods, and how it prints values.
///
/// What is missing prints nothing, at any depth. A render's context may hold a text or number named [`SEED`]:
/// what looks random follows from it.
pub(crate) fn install(env: &mut Environment<'_>) {
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_formatter(format_value);
    env.set_unknown_method_callback(methods::unknown_method);
    for filters in FILTERS {
        args::add_filters(env, filters);
    }
    engine_filters::install(env);
    env.add_filter("map", sequences::map);
    env.add_filter("format", printf::filter);
    env.add_filter("pluralize", minijinja_contrib::filters::pluralize);
    args::add_tests(env, tests::TESTS);
    args::add_functions(env, random::FUNCTIONS);
    functions::install(env);
    // It would print a customer's data and the hidden variables.
    env.remove_global("debug");
}
