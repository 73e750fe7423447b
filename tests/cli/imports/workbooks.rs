//! Excel workbooks, made by `tests/workbooks/make.py`, and such as nobody makes by accident.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;
use zip::write::SimpleFileOptions;

use crate::shop::Shop;

/// A shop with a copy of a workbook.
fn shop_with(name: &str) -> Shop {
    let shop = Shop::new();
    std::fs::copy(format!("tests/workbooks/{name}"), shop.path(name)).unwrap();
    shop
}

#[test]
fn a_workbook_fills_a_pool() {
    let shop = shop_with("codes.xlsx");
    let report = shop.json("pool import spring codes.xlsx --json");
    assert_eq!((&report["read"], &report["added"], &report["rejected"]), (&json!(3), &json!(3), &json!([])));
    let first = shop.json("voucher show SPRING-1 --json");
    assert_eq!(first["metadata"], json!({"Discount": 20, "Active": true}));
    assert_eq!(first["expires_at"], "2027-06-30T23:59:59Z");
    let second = shop.json("voucher show 000123 --json");
    assert_eq!(second["metadata"], json!({"Discount": 12.5, "Active": false}));
    assert_eq!(second["expires_at"], "2027-06-30T18:00:00Z");
    let third = shop.json("voucher show \u{c9}-2 --json");
    assert_eq!(
        (&third["metadata"], &third["expires_at"]),
        (&json!({"Discount": "", "Active": ""}), &json!("2027-07-01T23:59:59Z"))
    );
    assert_eq!(
        shop.json("pool import spring codes.xlsx --json")["already_in_pool"],
        3,
        "again, nothing is added twice"
    );
}

#[test]
fn a_sheet_can_be_named() {
    let shop = shop_with("codes.xlsx");
    assert_eq!(shop.json("pool import summer codes.xlsx --sheet summer --json")["added"], 1);
    shop.run("pool import spring codes.xlsx --sheet Sumer")
        .fails(7, "error: codes.xlsx: there is no sheet 'Sumer'\nhelp: did you mean 'Summer'?");
    shop.run("pool import spring codes.xlsx --sheet Autumn")
        .fails(7, "error: codes.xlsx: there is no sheet 'Autumn'\nhelp: the workbook has Notes, Spring, Summer");
    shop.run("pool import spring codes.xlsx --sheet Notes").fails(
        7,
        "error: codes.xlsx: the first line names no column of codes\n\
         help: call the column one of code, coupon, coupon code, voucher, voucher code, promo code, or say which one it is \
         with --column NAME; if the first line holds a code, write a line 'code' above it",
    );
}

/// What Excel took for something else is not what the customer will type.
#[test]
fn cells_that_are_no_text_are_rejected_by_row() {
    let shop = shop_with("damaged.xlsx");
    let report = shop.json("pool import spring damaged.xlsx --json");
    let rejected: Vec<String> = report["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{}: {}", row["line"], row["reason"].as_str().unwrap()))
        .collect();
    insta::assert_snapshot!(rejected.join("\n"));
    assert_eq!(report["added"], 1);
    let report = shop.json("pool import spring damaged.xlsx --accept-numeric --json");
    assert_eq!((&report["added"], &report["already_in_pool"]), (&json!(3), &json!(1)));
    for code in ["123", "100000", "1.5"] {
        shop.ok(&format!("voucher show {code}"));
    }
}

#[test]
fn a_single_column_needs_no_header() {
    let shop = shop_with("plain.xlsx");
    assert_eq!(shop.json("pool import spring plain.xlsx --json")["added"], 3);
    shop.ok("voucher show C3");
}

#[test]
fn an_empty_sheet_names_itself() {
    shop_with("empty.xlsx").run("pool import spring empty.xlsx").fails(
        7,
        "error: empty.xlsx: the sheet 'Sheet' is empty\n\
         help: its first row has to name the columns; '--sheet NAME' reads another one",
    );
}

/// A workbook with these parts beside those that every workbook has.
fn workbook(shop: &Shop, strings: &mut dyn FnMut(&mut dyn Write), sheet: &str) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(shop.path("bomb.xlsx")).unwrap());
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated).large_file(true);
    let relation = |id: &str, kind: &str, target: &str| {
        format!(
            r#"<Relationship Id="{id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/>"#
        )
    };
    let relations = |all: &str| {
        format!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{all}</Relationships>"#
        )
    };
    let parts = [
        ("_rels/.rels", relations(&relation("r1", "officeDocument", "xl/workbook.xml"))),
        ("xl/_rels/workbook.xml.rels", relations(&(relation("r1", "worksheet", "worksheets/sheet1.xml") + &relation("r2", "sharedStrings", "sharedStrings.xml")))),
        ("xl/workbook.xml", r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#.to_owned()),
        ("xl/worksheets/sheet1.xml", format!(r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{sheet}</worksheet>"#)),
    ];
    for (name, text) in parts {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.start_file("xl/sharedStrings.xml", options).unwrap();
    zip.write_all(br#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#).unwrap();
    strings(&mut zip);
    zip.write_all(b"</sst>").unwrap();
    zip.finish().unwrap();
}

const ONE_CODE: &str = r#"<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>A-1</t></is></c></row></sheetData>"#;

/// Excel writes none of these. Of two cells in one place, one code would be lost without a word.
#[test]
fn a_sheet_whose_cells_are_out_of_order_is_broken_and_adds_nothing() {
    let cell = |place: &str, text: &str| format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    let row = |number: u32, cells: &str| format!(r#"<row r="{number}">{cells}</row>"#);
    let header = row(1, &cell("A1", "code"));
    for rows in [
        row(2, &(cell("A2", "A-1") + &cell("A2", "A-2"))),
        row(2, &cell("A2", "A-1")) + &row(2, &cell("A2", "A-2")),
        row(3, &cell("A3", "A-1")) + &row(2, &cell("A2", "A-2")),
    ] {
        let shop = Shop::new();
        workbook(&shop, &mut |_| (), &format!("<sheetData>{header}{rows}</sheetData>"));
        shop.run("pool import spring bomb.xlsx").fails(
            7,
            "error: bomb.xlsx: the workbook is broken: its cells are out of order\n\
             help: save it again as .xlsx, or as CSV",
        );
    }
}

#[test]
fn a_workbook_written_by_hand_is_one() {
    let shop = Shop::new();
    workbook(&shop, &mut |_| (), ONE_CODE);
    assert_eq!(shop.json("pool import spring bomb.xlsx --json")["added"], 1);
}

/// It is stopped by what it unpacks to, and its header may say what it likes.
#[test]
fn a_workbook_that_unpacks_to_gigabytes_is_stopped() {
    let shop = Shop::new();
    let spaces = vec![b' '; 1 << 20];
    workbook(&shop, &mut |strings| (0..300).for_each(|_| strings.write_all(&spaces).unwrap()), ONE_CODE);
    let began = Instant::now();
    shop.run("pool import spring bomb.xlsx").fails(
        7,
        "error: bomb.xlsx: the workbook unpacks to more than 200 MiB\n\
         help: save the sheet with the codes as CSV, which may be of any size",
    );
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn many_shared_strings_and_attributes_do_no_harm() {
    let shop = Shop::new();
    let attributes: String = (0..200_000).map(|number| format!(" a{number}=\"\"")).collect();
    let sheet = ONE_CODE.replace("<row r=\"2\">", &format!("<row r=\"2\"{attributes}>"));
    let strings = "<si><t>x</t></si>".repeat(1_000_000);
    workbook(&shop, &mut |part| part.write_all(strings.as_bytes()).unwrap(), &sheet);
    let run = shop.run("pool import spring bomb.xlsx");
    // A busy machine may need longer than a workbook is given.
    let stopped = run.stderr.starts_with("error: bomb.xlsx: the workbook takes longer than 20 seconds to read\n");
    assert!(run.code == Some(0) || (run.code == Some(7) && stopped), "{run:?}");
}

#[test]
fn cells_far_outside_take_no_memory() {
    let shop = Shop::new();
    let far = r#"<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>"#;
    workbook(&shop, &mut |_| (), &ONE_CODE.replace("</sheetData>", far));
    let report = shop.json("pool import spring bomb.xlsx --json");
    assert_eq!(report["rejected"][0]["line"], 1_048_576);
}
