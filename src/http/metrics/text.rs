//! The numbers in the text format that every Prometheus reads.

use std::collections::HashSet;

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;

/// What the registry knows. The library writes OpenMetrics, in which the name of a counter is without the `_total` of its lines.
pub(super) fn of(registry: &Registry) -> String {
    let mut written = String::new();
    // A string takes whatever is written to it.
    let _ = encode_registry(&mut written, registry);
    let counters: HashSet<&str> = written.lines().filter_map(counter).collect();
    let mut text = String::with_capacity(written.len() + 512);
    for line in written.lines() {
        match described(line).filter(|(_, name, _)| counters.contains(name)) {
            Some((keyword, name, rest)) => text.push_str(&format!("# {keyword} {name}_total {rest}")),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// The name of the counter whose type a line says.
fn counter(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.strip_suffix(" counter")
}

/// A line about a name: its keyword, the name, and what it says.
fn described(line: &str) -> Option<(&str, &str, &str)> {
    let (keyword, rest) = line.strip_prefix("# ")?.split_once(' ')?;
    let (name, rest) = rest.split_once(' ')?;
    Some((keyword, name, rest))
}
