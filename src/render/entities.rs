//! What HTML's entities stand for.

use minijinja_contrib::filters::striptags;

/// The longest name that HTML knows is shorter; whoever looks no further reads any text in linear time.
const LONGEST: usize = 40;

/// What the numbers from 128 to 159 mean in HTML: the characters of Windows-1252, as mail editors write them.
const WINDOWS_1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// Text with its entities resolved.
pub(super) fn decoded(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        rest = &rest[decode(rest, &mut plain)..];
    }
    plain + rest
}

/// Appends what the entity at the start of a text stands for, and gives how long it is. What is no entity is an ampersand.
pub(super) fn decode(text: &str, into: &mut String) -> usize {
    match name(text) {
        Some(name) if resolve(name, into) => name.len() + "&;".len(),
        _ => {
            into.push('&');
            1
        }
    }
}

fn name(text: &str) -> Option<&str> {
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let letters = name.strip_prefix('#').unwrap_or(name);
    (!letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(name)
}

fn resolve(name: &str, into: &mut String) -> bool {
    if let Some(number) = name.strip_prefix('#') {
        let character = numbered(number);
        into.extend(character);
        return character.is_some();
    }
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "nbsp" => '\u{a0}',
        // Those that the table of names gives as white space are told apart here, because `striptags` trims them away.
        "ensp" => '\u{2002}',
        "emsp" => '\u{2003}',
        "thinsp" => '\u{2009}',
        _ => return named(name, into),
    };
    into.push(character);
    true
}

fn named(name: &str, into: &mut String) -> bool {
    let entity = format!("&{name};");
    let found = striptags(entity.clone());
    let known = found != entity;
    if known {
        into.push_str(if found.is_empty() { " " } else { &found });
    }
    known
}

fn numbered(number: &str) -> Option<char> {
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    match number.ok()? {
        number @ 128..160 => WINDOWS_1252.chars().nth(number as usize - 128),
        number => char::from_u32(number),
    }
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn entities_are_resolved() {
        for (html, text) in [
            ("Tarn&nbsp;&amp;&#160;Thistle", "Tarn\u{a0}&\u{a0}Thistle"),
            ("&euro;5 &#8364;5 &#x20AC;5 &#X20ac;5", "€5 €5 €5 €5"),
            ("&#128;5 &#150; it&#146;s", "€5 – it’s"),
            ("&auml;&hellip;&zwnj;&shy;&CounterClockwiseContourIntegral;", "ä…\u{200c}\u{ad}∳"),
            ("a&numsp;b&thinsp;c", "a b\u{2009}c"),
            ("&lt;b&gt; &quot;x&quot; &apos;", "<b> \"x\" '"),
        ] {
            assert_eq!(decoded(html), text, "{html}");
        }
    }

    #[test]
    fn what_is_no_entity_stays() {
        for text in
            ["&", "&&", "a & b; c", "&nosuch;", "&#;", "&#x;", "&#xd800;", "&#99999999999;", "&eacut", "&<b>;", "&ä;"]
        {
            assert_eq!(decoded(text), text);
        }
    }

    #[test]
    fn many_ampersands_take_linear_time() {
        let text = "&".repeat(1_000_000);
        assert_eq!(decoded(&text), text);
    }
}
