//! `pool import --preview`.

use serde_json::json;

use crate::shop::{Shop, names};

const CODES: &str = "Discount;Promo Code;expires_at\n10 %;A-1;2027-06-30\n20 %;;\n;A-3;soon\n;A-4;\n;A-5;\n;A-6;\n";

#[test]
fn people_see_how_a_file_is_read() {
    let shop = Shop::new();
    shop.write("codes.csv", CODES);
    insta::assert_snapshot!(shop.ok("pool import spring codes.csv --preview"), @r"
    source       codes.csv
    format       delimited text
    encoding     UTF-8
    delimiter    ;
    header       Discount, Promo Code, expires_at
    code column  Promo Code
    line  code  expires at               metadata
       2  A-1   2027-06-30 23:59:59 UTC  Discount=10 %
       3                                 rejected: the code is empty
       4                                 rejected: expires_at is not a moment in time; write a date such as 2027-06-30, or a time with its offset such as 2027-06-30T18:00:00Z
       5  A-4                            Discount=
       6  A-5                            Discount=
    ");
    std::fs::copy("tests/workbooks/codes.xlsx", shop.path("codes.xlsx")).unwrap();
    insta::assert_snapshot!(shop.ok("pool import spring codes.xlsx --preview"), @r"
    source       codes.xlsx
    format       Excel workbook
    sheet        Spring, not Notes, Summer
    header       Discount, Promo Code, Expires At, Valid from, Active
    code column  Promo Code
    line  code      expires at               metadata
       2  SPRING-1  2027-06-30 23:59:59 UTC  Discount=20, Active=true
       4  000123    2027-06-30 18:00:00 UTC  Discount=12.5, Active=false
       5  É-2       2027-07-01 23:59:59 UTC  Discount=, Active=
    ");
    assert_eq!(names(&shop.path("")), ["codes.csv", "codes.xlsx"], "nothing is taken, no store is made");
}

#[test]
fn programs_see_how_a_file_is_read() {
    let shop = Shop::new();
    shop.write("codes.csv", CODES);
    let preview = shop.json("pool import spring codes.csv --preview --json");
    let row =
        |line: u64, code: &str| json!({"line": line, "code": code, "expires_at": null, "metadata": {"Discount": ""}});
    assert_eq!(
        preview,
        json!({
            "source": "codes.csv", "format": "csv", "gzip": false, "encoding": "UTF-8", "encoding_guessed": false, "delimiter": ";",
            "sheet": null, "other_sheets": [], "header": ["Discount", "Promo Code", "expires_at"], "code_column": "Promo Code",
            "rows": [
                {"line": 2, "code": "A-1", "expires_at": "2027-06-30T23:59:59Z", "metadata": {"Discount": "10 %"}},
                {"line": 3, "rejected": "the code is empty"},
                {"line": 4, "rejected": "expires_at is not a moment in time; write a date such as 2027-06-30, or a time with its offset such as 2027-06-30T18:00:00Z"},
                row(5, "A-4"),
                row(6, "A-5"),
            ],
        })
    );
}

#[test]
fn what_is_guessed_or_missing_is_said() {
    let shop = Shop::new();
    std::fs::write(shop.path("western.txt"), encoding_rs::WINDOWS_1252.encode("A-1\nGrößenänderung für élève\n").0)
        .unwrap();
    let preview = shop.json("pool import spring western.txt --preview --json");
    assert_eq!((&preview["encoding"], &preview["encoding_guessed"]), (&json!("windows-1252"), &json!(true)));
    assert_eq!(
        (&preview["format"], &preview["header"], &preview["delimiter"]),
        (&json!("text"), &json!(null), &json!(null))
    );
    shop.write("codes.csv", "code\n\"A\n");
    assert_eq!(shop.run("pool import spring codes.csv --preview").code, Some(7));
}
