//! The text of an e-mail that has none of its own.

/// How wide a line of text may be, in characters: what mail programs show without wrapping.
const WIDTH: usize = 78;

/// The text of an HTML page: paragraphs, lists and tables as lines, links as numbered footnotes, and nothing that the page hides.
pub(super) fn from_html(html: &str) -> Result<String, html2text::Error> {
    html2text::config::plain_no_decorate()
        .use_doc_css()
        .no_table_borders()
        .link_footnotes(true)
        .string_from_read(html.as_bytes(), WIDTH)
}
