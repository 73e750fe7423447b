//! What the reader of a text part sees.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::from_html;

/// Each page with its text.
fn check(pages: &[(&str, &str)]) {
    for (html, text) in pages {
        let expected = if text.is_empty() { String::new() } else { format!("{text}\n") };
        assert_eq!(from_html(html), expected, "{html}");
    }
}

#[test]
fn blocks_are_lines_and_paragraphs_have_space_around_them() {
    check(&[
        ("", ""),
        ("  \n <p> </p>", ""),
        ("<h1>Sale</h1><p>One.<p>Two.", "Sale\n\nOne.\n\nTwo."),
        ("<div>a</div><div>b</div>c", "a\nb\nc"),
        ("a<br>b<br><br>c<br/><br><br>d", "a\nb\n\nc\n\nd"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<p>a</p><br><p>b</p>", "a\n\nb"),
        ("a<hr>b", "a\n\n----------------------------------------\n\nb"),
        ("<b>bold</b> <i>it</i>al<u>ic</u>", "bold italic"),
        ("a<blockquote><p>b</p>c</blockquote>d", "a\n\n> b\n\n> c\n\nd"),
    ]);
}

#[test]
fn white_space_is_drawn_together() {
    check(&[
        (" a \n\t b<b> c</b> <i> d </i>.", "a b c d ."),
        ("5&nbsp;€ &nbsp; &#160;now&emsp;!", "5 € now !"),
        ("We kept 25% for you.&#8199;&#847; &zwnj;&nbsp;&#8203;&shy;&#65279;", "We kept 25% for you."),
        ("<p>&#847;&zwnj;&nbsp;&#847;</p>hy&shy;phen", "hyphen"),
        ("می\u{200c}خواهم 👩\u{200d}👧", "می\u{200c}خواهم 👩\u{200d}👧"),
        ("caf&eacute; &lt;b&gt; &#128; &hellip; a & b &nosuch; R&D &amp;amp;", "café <b> € … a & b &nosuch; R&D &amp;"),
        ("<pre>\n  a\t b\n\n\n  c &lt;\n</pre>d", "  a\t b\n\n\n  c <\n\nd"),
    ]);
}

#[test]
fn lists_have_marks_and_indentation() {
    check(&[
        ("a<ul><li>b</li><li><p>c</p></li></ul>d", "a\n\n- b\n- c\n\nd"),
        ("<ol><li>a<li>b<ul><li>c<li>d</ul><li>e</ol>", "1. a\n2. b\n   - c\n   - d\n3. e"),
        ("<ol start=9><li>a<li>b<br>c</ol>", "9. a\n10. b\n    c"),
        ("<ul><li></li><li>b</li></ul>", "- b"),
        ("<ul><li><a href='https://a.example/'>A</a></ul>", "- A <https://a.example/>"),
        ("<li>a<li>b", "- a\n- b"),
    ]);
    let long = format!("<ul><li>{}</ul>", "word ".repeat(20));
    let wrapped = format!("- {}\n  {}", ["word"; 15].join(" "), ["word"; 5].join(" "));
    check(&[(&long, &wrapped)]);
}

#[test]
fn cells_share_a_line_where_they_fit() {
    check(&[
        ("<table><tr><td>Shirt</td><td>€ 49</td></tr><tr><td>Hat<td> € 29</table>", "Shirt  € 49\nHat  € 29"),
        ("<table><tr><td><p>Shirt</p></td> <td></td><td><div>€ 49</div></td></tr></table>", "Shirt  € 49"),
        ("<table><tr><td>a</td></tr><tr><td>b</td></tr></table>", "a\nb"),
        ("<table><tr><td><b>20%</b><br>off</td><td>Code<br>X</td></tr><tr><td>c</table>", "20%\noff\n\nCode\nX\n\nc"),
        ("<table><tr><td><table><tr><td>a</td></tr></table></td><td>b</td></tr></table>c", "a\n\nb\n\nc"),
    ]);
    let (long, row) = ("word ".repeat(12), |a: &str, b: &str| format!("<table><tr><td>{a}<td>{b}</table>"));
    let (line, more) = (long.trim_end(), ["word"; 3].join(" "));
    check(&[
        (&row(&long, &long), &format!("{line}\n{line}")),
        (&row("•", &format!("{long}{long}")), &format!("•  {line} {more}\n{}", ["word"; 9].join(" "))),
    ]);
}

#[test]
fn links_show_their_address() {
    check(&[
        (
            "See <a href='https://s.example/?a=1&amp;b=2'>our <b>sale</b></a>, now",
            "See our sale <https://s.example/?a=1&b=2>, now",
        ),
        ("<p><a href=\"https://s.example/?code=A-1\">Shop now</a></p>", "Shop now\nhttps://s.example/?code=A-1"),
        ("<a href=https://s.example/>https://s.example/</a>", "https://s.example/"),
        ("at <a href=https://www.s.example/>s.example</a>", "at https://www.s.example/"),
        ("<a href='mailto:hi@s.example?subject=x'>hi@s.example</a>", "hi@s.example"),
        ("or <a href='mailto:hi@s.example?subject=x'>write</a>", "or write <hi@s.example>"),
        ("<a href='tel:+442012'>+44 20-12</a>", "+44 20-12"),
        ("<a href='#top'>Up</a> <a href='javascript:x()'>Go</a> <a>None</a> <a href='/p'>Path</a>", "Up Go None Path"),
        ("<a href='*|UNSUB|*'>Stop</a> here", "Stop <*|UNSUB|*> here"),
        (
            "<a href='https://a.example/'>A</a><a href='https://b.example/'>B</a>",
            "A <https://a.example/> B <https://b.example/>",
        ),
        ("<a href='https://a.example/'><div>Shirt</div><div>€ 49</div></a>x", "Shirt\n€ 49\nhttps://a.example/\nx"),
        ("<a href='https://a.example/a b\n'>A</a>", "A\nhttps://a.example/a%20b"),
        (
            "<a href='https://a.example/'><img src=x alt=''></a><a href=https://b.example/><img alt='Our &amp; hats'></a>",
            "Our & hats\nhttps://b.example/",
        ),
        ("a<img alt=''>b<img alt=c><img src=x>", "ab c"),
    ]);
}

#[test]
fn what_is_struck_through_is_marked() {
    check(&[
        ("<b>€39</b> <s class=x> €49 </s>now", "€39 ~~€49~~ now"),
        ("<del>a<strike>b</strike></del><s></s>c", "~~ab~~c"),
        ("</s>a", "a"),
    ]);
}

#[test]
fn what_is_not_shown_is_left_out() {
    check(&[
        ("<html><head><title>T</title><style>p{}</style><meta charset=utf-8>x</head><body>a", "a"),
        ("<head><title>T</title><p>a", "a"),
        ("a<script>if (a<b) '</p>'</script><STYLE>x</STYLE ><template>t<template>u</template></template>b", "ab"),
        ("a<!-- <p>c</p> -->b<!---->c<!-->d<!DOCTYPE x><?xml y?></>e", "abcde"),
        ("<!--[if mso]><p>Outlook</p><![endif]-->a<!--[if !mso]><!-->b<!--<![endif]--><![if !mso]>c<![endif]>", "abc"),
        ("<div style='color:red; DISPLAY : none!important'>a<div>b</div>c</div>d", "d"),
        ("<span style=\"max-height:0px;overflow:hidden\">a</span>b<i hidden>c</i><img hidden alt=x>d", "bd"),
        ("<p style='display:none'>a<p>b", "b"),
        ("<ul><li hidden>a<ul><li>b</ul><li>c</ul>", "- c"),
        ("<table><tr><td hidden>a<table><tr><td>b</table><td>c</tr><tr hidden><td>d<tr><td>e</table>", "c\ne"),
        ("<div style='max-height:100px;display:block;background:url(data:x;none)'>a</div>", "a"),
        ("<a href='https://s.example/' style='mso-hide:all'>Shop</a>", "Shop\nhttps://s.example/"),
    ]);
}

#[test]
fn lines_are_wrapped_but_words_are_not() {
    let url = format!("https://shop.example/{}?code=SPR-7Q2K", "path/".repeat(40));
    let html = format!("<p>{}<a href='{url}'>link</a> {}</p>", "word ".repeat(10), "word ".repeat(20));
    let words = |count| vec!["word"; count].join(" ");
    check(&[(&html, &format!("{} link\n<{url}>\n{}\n{}", words(10), words(15), words(5)))]);
    let fixed = format!("<p>{}EX1&nbsp;2AB</p>", "word ".repeat(14));
    check(&[(&fixed, &format!("{} EX1 2AB", words(14)))]);
    let fixed = format!("<p>{}EX1&nbsp;2AB</p>", "word ".repeat(15));
    check(&[(&fixed, &format!("{}\nEX1 2AB", words(15)))]);
}

#[test]
fn malformed_pages_lose_nothing_that_a_browser_shows() {
    check(&[
        ("a < b <3 c > d", "a < b <3 c > d"),
        ("<p title='a>b' class=\"x>\">c", "c"),
        ("<p =x a=b'c>d</p e='>'>f", "d\n\nf"),
        ("</div></table></ul></li></td></a></s></pre></blockquote></p>a", "a"),
        ("<td>a<td>b", "a\n\nb"),
        ("a<p", "a"),
        ("a<p b='", "a"),
        ("a</", "a</"),
        ("a<!--", "a"),
        ("a<style>b", "a"),
        ("<p ä=ü ö>a<ä>", "a<ä>"),
    ]);
}

#[test]
fn deep_and_endless_pages_take_linear_time() {
    let began = Instant::now();
    for piece in [
        "<div>",
        "<ul><li>a",
        "<blockquote>a ",
        "<table><tr><td>a",
        "<a href='https://a.example/'>a",
        "<",
        "</",
        "<!",
        "<!--",
        "&",
        "<p a='",
        "<p a",
        "<s>a",
        "<p hidden>",
        "<pre>\n",
        "<style>",
        "</s",
        "<li>",
        "&zwnj;",
        "<td>a",
        "a&nbsp;",
    ] {
        let text = from_html(&piece.repeat(100_000));
        assert!(text.len() < 6_000_000, "{piece}: {}", text.len());
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

const PIECES: [&str; 34] = [
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<p>",
    "</p>",
    "<td>",
    "<tr>",
    "<table>",
    "</table>",
    "<ul>",
    "<li>",
    "</ul>",
    "<a href=x:y>",
    "</a>",
    "<s>",
    "</s>",
    "<pre>",
    "</pre>",
    "<br>",
    "<p hidden>",
    "<blockquote>",
    "</blockquote>",
    "&nbsp;",
    "&#847;",
    "&",
    "\"",
    "'",
    "=",
    " ",
    "\n",
    "ä",
    "\u{200d}",
];

proptest! {
    #[test]
    fn no_page_makes_it_panic(html in "\\PC{0,200}") {
        from_html(&html);
    }

    #[test]
    fn no_tags_make_it_panic(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let text = from_html(&pieces.concat());
        prop_assert!(text.is_empty() || text.ends_with('\n') && !text.starts_with('\n'));
        prop_assert!(text.lines().all(|line| line.trim_end() == line || line.contains('>')), "{text:?}");
    }

    /// The words of a page appear in its text, in order and unbroken, and no line is too wide.
    #[test]
    fn words_stand_in_the_text_in_order(
        pieces in prop::collection::vec((prop::sample::select(&TAGS[..]), "[a-zäß0-9€.,-]{1,12}"), 1..80)
    ) {
        let html: String = pieces.iter().map(|(tag, word)| format!("{tag} {word} ")).collect();
        let text = from_html(&html);
        let mut words = text.split_whitespace().filter(|word| !matches!(*word, ">"));
        for (_, word) in &pieces {
            prop_assert!(words.any(|found| found == word), "{word} of {html}\n{text}");
        }
        prop_assert!(text.lines().all(|line| line.chars().count() <= 78), "{text}");
    }
}

const TAGS: [&str; 21] = [
    "",
    "",
    "",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<b>",
    "</b>",
    "<br>",
    "<ul><li>",
    "<li>",
    "</ul>",
    "<table><tr><td>",
    "<td>",
    "<tr>",
    "</table>",
    "<blockquote>",
    "</blockquote>",
    "<!-- no -->",
    "<h1>",
];
