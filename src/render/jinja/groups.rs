//! The filter `groupby`.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, State, Value};

use super::args::{Args, Entry, items};
use super::output::repr;
use super::sequences::{at_path, compared};

pub(super) const FILTERS: &[Entry] = &[("groupby", &["value", "attribute", "default", "case_sensitive"], groupby)];

/// What `groupby` gives for each group: a pair whose parts also have names.
#[derive(Debug)]
struct Group {
    grouper: Value,
    list: Value,
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_usize(), key.as_str()) {
            (Some(0), _) | (_, Some("grouper")) => Some(self.grouper.clone()),
            (Some(1), _) | (_, Some("list")) => Some(self.list.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", repr(&self.grouper), repr(&self.list))
    }
}

/// Groups carry the key of their first item, in the order of their keys.
fn groupby(_: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let case_sensitive = args.flag("case_sensitive", false);
    let mut keyed: Vec<(Value, Value, Value)> = Vec::new();
    for item in items(compared(args)?)? {
        let found = at_path(&item, args.value("attribute"));
        let key = if found.is_undefined() { args.value("default").clone() } else { found };
        let order = match key.as_str() {
            Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
            _ => key.clone(),
        };
        keyed.push((order, key, item));
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    let groups = keyed.chunk_by(|a, b| a.0 == b.0).map(|group| {
        let list = group.iter().map(|(_, _, item)| item.clone()).collect::<Vec<_>>();
        Value::from_object(Group { grouper: group[0].1.clone(), list: Value::from(list) })
    });
    Ok(Value::from(groups.collect::<Vec<_>>()))
}
