pub(crate) mod jinja;
