//! Files of codes.

use std::io::{Cursor, Write};

use tearoff::ErrorKind;
use tearoff::intake::{Format, Options, Row, Source};
use zip::write::SimpleFileOptions;

/// Delimited text is read to its end or is an error, and the same again.
pub(crate) fn csv(bytes: &[u8]) {
    holds(Format::Csv, bytes);
    holds(Format::Csv, &[b"code,expires_at,discount\n", bytes].concat());
}

/// Lines of JSON are read to their end or are an error, and the same again.
pub(crate) fn json_lines(bytes: &[u8]) {
    holds(Format::JsonLines, bytes);
}

/// A workbook is read to its end or is an error, and the same again: whether it is broken itself, or its sheet.
pub(crate) fn workbook(bytes: &[u8]) {
    holds(Format::Xlsx, bytes);
    holds(Format::Xlsx, &with_sheet(bytes));
    let sheet = with_sheet(&[b"<worksheet><sheetData>", HEADER, bytes, b"</sheetData></worksheet>"].concat());
    holds(Format::Xlsx, &sheet);
    assert!(!bytes.is_empty() || rows(Format::Xlsx, &sheet) == (Vec::new(), None), "a sheet of a header is sound");
}

const HEADER: &[u8] = b"<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>code</t></is></c></row>";

fn holds(format: Format, bytes: &[u8]) {
    let first = rows(format, bytes);
    let (rows, _) = &first;
    assert!(rows.len() <= bytes.len() || format == Format::Xlsx, "{} rows of {} bytes", rows.len(), bytes.len());
    assert!(rows.windows(2).all(|rows| rows[0].line < rows[1].line), "the lines go on");
    for reason in rows.iter().filter_map(|row| row.content.as_ref().err()) {
        assert!(!reason.is_empty(), "a rejected row says why");
    }
    assert_eq!(self::rows(format, bytes), first);
}

/// The rows, and the error that ends them.
fn rows(format: Format, bytes: &[u8]) -> (Vec<Row>, Option<ErrorKind>) {
    let source = Source::of_bytes("codes", format, bytes, 1 << 30).expect("it is kept").expect("it is small");
    let (mut rows, mut ends_by) = (Vec::new(), None);
    match source.open(&Options::default()) {
        Ok(reading) => {
            for row in reading {
                match row {
                    Ok(row) => rows.push(row),
                    Err(error) => {
                        assert!(ends_by.is_none(), "nothing comes behind an error");
                        ends_by = Some(error.kind());
                    }
                }
            }
        }
        Err(error) => ends_by = Some(error.kind()),
    }
    assert!(ends_by.is_none_or(|kind| kind == ErrorKind::InvalidInput), "{ends_by:?}");
    (rows, ends_by)
}

/// A workbook with this as its sheet.
fn with_sheet(sheet: &[u8]) -> Vec<u8> {
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let of_package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let relation = |id: &str, kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{of_package}\"><Relationship Id=\"{id}\" Type=\"{relations}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let book = format!(
        "<workbook xmlns:r=\"{relations}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let members = [
        ("_rels/.rels", relation("r0", "officeDocument", "xl/workbook.xml").into_bytes()),
        ("xl/workbook.xml", book.into_bytes()),
        ("xl/_rels/workbook.xml.rels", relation("r1", "worksheet", "worksheets/sheet1.xml").into_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.to_vec()),
    ];
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(name, SimpleFileOptions::default()).expect("a member");
        archive.write_all(&content).expect("memory");
    }
    archive.finish().expect("an archive").into_inner()
}
