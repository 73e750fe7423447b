//! Imports that repeat.

use crate::servers::until;
use crate::service::Shop;

#[test]
fn what_is_due_is_imported_while_the_service_runs() {
    let shop = Shop::new();
    shop.write("codes.csv", "code\nSPR-1\nSPR-2\n");
    shop.write("tearoff.toml", "[[imports]]\nsource = 'codes.csv'\npool = 'spare'\ncron = '@daily'\n");
    let service = shop.serve();
    assert!(service.log().contains("imports     1, run when they are due"), "{}", service.log());
    until("the codes are there", || {
        let list = service.shop.tearoff(&["pool", "show", "spare", "--json"]);
        list.contains(r#""available":2"#).then_some(())
    });
    until("it is told", || service.log().contains("imported").then_some(()));
    assert!(!service.log().contains("SPR-"), "{}", service.log());
}

#[test]
fn a_record_of_imports_that_is_none_keeps_the_service_from_starting() {
    let shop = Shop::new();
    shop.write("tearoff.imports.json", "{");
    shop.write("tearoff.toml", "[[imports]]\nsource = 'codes.csv'\npool = 'spare'\ncron = '@daily'\n");
    let output = shop.command(&["serve", "--dev", "--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.starts_with("error: tearoff.imports.json: this is no record of imports"), "{said}");
}
