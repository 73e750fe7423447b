//! Choices that look random, and are the same whenever the same message is rendered again.

use std::hash::{DefaultHasher, Hash, Hasher};

use minijinja::{Error, State, Value};

use super::args::{Args, Entry, LIMIT, invalid, items};
use super::strings::{capitalized, letters};
use super::text::{Text, markup};

pub(super) const FILTERS: &[Entry] = &[("random", &["seq"], random), ("shuffle", &["seq"], shuffle)];
pub(super) const FUNCTIONS: &[Entry] = &[("lipsum", &["n", "html", "min", "max"], lipsum)];

/// The variable that the renderer puts a message's seed into. It reaches macros and imported templates too.
pub(crate) const SEED: &str = "__seed";

/// The state of a splitmix64 generator, kept with the render.
struct Draws(u64);

/// A number below `bound`. Draws count up over the whole render, so that each call draws anew.
fn draw(state: &mut State<'_, '_>, bound: usize) -> usize {
    if state.get_extension::<Draws>().is_none() {
        let mut hasher = DefaultHasher::new();
        state.lookup(SEED).map(|seed| seed.to_string()).hash(&mut hasher);
        state.get_or_insert_extension(Draws(hasher.finish()));
    }
    let draws = state.get_or_insert_extension(Draws(0));
    draws.0 = draws.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = draws.0;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    usize::try_from((u128::from(mixed) * bound as u128) >> 64).unwrap_or(0)
}

fn random(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let value = args.value("seq");
    let items = if value.as_str().is_some() { letters(&Text::of(value)) } else { items(value)? };
    let index = draw(state, items.len());
    Ok(items.into_iter().nth(index).unwrap_or_default())
}

/// Fisher and Yates.
fn shuffle(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let mut items = items(args.value("seq"))?;
    for last in (1..items.len()).rev() {
        items.swap(last, draw(state, last + 1));
    }
    Ok(Value::from(items))
}

const WORDS: &str = "a ac accumsan ad adipiscing aenean aliquam amet ante arcu at auctor augue bibendum blandit \
    commodo condimentum congue consectetuer consequat cras cum cursus dapibus diam dictum dignissim dis dolor donec \
    dui duis egestas eget eleifend elementum elit enim erat eros est et etiam eu euismod facilisi fames faucibus \
    felis fermentum feugiat fringilla fusce gravida habitant hac hendrerit iaculis id imperdiet in inceptos integer \
    interdum ipsum justo lacinia lacus laoreet lectus leo libero ligula litora lobortis lorem luctus maecenas magna \
    magnis malesuada massa mattis mauris metus mi molestie mollis montes morbi mus nam nascetur natoque nec neque \
    netus nibh nisi nisl non nonummy nostra nulla nullam nunc odio orci ornare parturient pede pellentesque per \
    pharetra phasellus placerat platea porta porttitor posuere potenti praesent pretium primis proin pulvinar purus \
    quam quis quisque rhoncus ridiculus risus rutrum sagittis sapien scelerisque sed sem semper senectus sit sociis \
    sodales sollicitudin suscipit suspendisse taciti tellus tempor tempus tincidunt torquent tortor tristique turpis \
    ullamcorper ultrices ultricies urna ut varius vehicula vel velit venenatis vestibulum vitae vivamus viverra \
    volutpat vulputate";

/// Filler text: paragraphs of at least `min` and fewer than `max` words, as HTML unless `html` is false.
fn lipsum(state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
    let (paragraphs, html) = (args.size("n", 5)?, args.flag("html", true));
    let (min, max) = (args.size("min", 20)?, args.size("max", 100)?);
    if max <= min || paragraphs.saturating_mul(max) > LIMIT {
        return Err(invalid(format!("lipsum needs min < max, and at most {LIMIT} words in all")));
    }
    let written: Vec<String> = (0..paragraphs)
        .map(|_| {
            let length = min + draw(state, max - min);
            let text = paragraph(state, length);
            if html { format!("<p>{text}</p>") } else { text }
        })
        .collect();
    Ok(if html { markup(state, written.join("\n")) } else { Value::from(written.join("\n\n")) })
}

fn paragraph(state: &mut State<'_, '_>, length: usize) -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let (mut text, mut left_in_sentence) = (String::new(), 0);
    for index in 0..length {
        let word = words[draw(state, words.len())];
        if left_in_sentence == 0 {
            left_in_sentence = 6 + draw(state, 10);
            text.push_str(if index == 0 { "" } else { ". " });
            text.push_str(&capitalized(word));
        } else {
            text.push(' ');
            text.push_str(word);
        }
        left_in_sentence -= 1;
    }
    text + "."
}
