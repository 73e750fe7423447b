//! `pool import --preview`: how a file would be read.

use crate::cli::output::{card, moment, table};
use crate::cli::{Context, Format};
use crate::error::Result;
use crate::intake::{Preview, PreviewRow, Shape};

pub(super) fn show(context: &Context, format: Format, preview: &Preview) -> Result<()> {
    if format.json {
        return context.output.json(preview);
    }
    let mut lines = vec![("source", preview.source.clone())];
    lines.extend(shape(&preview.shape));
    context.output.table(card(lines))?;
    let mut rows = table(&[">line", "code", "expires at", "metadata"]);
    for row in &preview.rows {
        rows.add_row(cells(row));
    }
    context.output.table(rows)
}

fn shape(shape: &Shape) -> Vec<(&'static str, String)> {
    let mut lines = vec![("format", format!("{}{}", shape.format, if shape.gzip { ", gzip" } else { "" }))];
    if let Some(encoding) = shape.encoding {
        let guessed = if shape.encoding_guessed { ", a guess: --encoding says it" } else { "" };
        lines.push(("encoding", format!("{encoding}{guessed}")));
    }
    lines.extend(shape.delimiter.map(|delimiter| ("delimiter", named(delimiter))));
    if let Some(sheet) = &shape.sheet {
        let others = match shape.other_sheets.as_slice() {
            [] => String::new(),
            others => format!(", not {}", others.join(", ")),
        };
        lines.push(("sheet", format!("{sheet}{others}")));
    }
    lines.push(("header", shape.header.as_ref().map_or_else(|| "none".to_owned(), |names| names.join(", "))));
    lines.extend(shape.code_column.clone().map(|column| ("code column", column)));
    lines
}

fn named(delimiter: char) -> String {
    match delimiter {
        '\t' => "tab".to_owned(),
        delimiter => delimiter.to_string(),
    }
}

fn cells(row: &PreviewRow) -> Vec<String> {
    match row {
        PreviewRow::Rejected { line, rejected } => {
            vec![line.to_string(), String::new(), String::new(), format!("rejected: {rejected}")]
        }
        PreviewRow::Voucher { line, code, expires_at, metadata } => {
            let metadata = metadata.iter().map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name}={text}"),
                None => format!("{name}={value}"),
            });
            let expires_at = expires_at.map(moment).unwrap_or_default();
            vec![line.to_string(), code.as_str().to_owned(), expires_at, metadata.collect::<Vec<_>>().join(", ")]
        }
    }
}
