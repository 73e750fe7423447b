//! Sources on other machines. What is fetched is tested in the library, where a server of this machine may be asked.

use crate::shop::{Shop, names};

#[test]
fn what_may_not_be_fetched_is_refused_without_its_secrets() {
    let shop = Shop::new();
    let only_https = "only https is fetched\nhelp: write https://…; what can be had only otherwise, fetch yourself, and import the file";
    let not_public = "the host is not on the public Internet\n\
        help: fetch the file yourself, and import it: curl -fsS URL | tearoff pool import POOL -";
    for (url, error) in [
        ("http://ada:SECRET@shop.example/codes.csv?t=SECRET", format!("http://shop.example/codes.csv?…: {only_https}")),
        ("ftp://ada:SECRET@shop.example/codes.csv", format!("ftp://shop.example/codes.csv: {only_https}")),
        ("https://ada:SECRET@127.0.0.1/codes.csv", format!("https://127.0.0.1/codes.csv: {not_public}")),
        ("https://169.254.169.254/latest/?SECRET", format!("https://169.254.169.254/latest/?…: {not_public}")),
        ("https://ada:SECRET@localhost/codes.csv", format!("https://localhost/codes.csv: {not_public}")),
    ] {
        shop.run_with(&["-vvv", "pool", "import", "spring", url]).fails(7, &format!("error: {error}"));
    }
    assert_eq!(names(&shop.path("")), Vec::<String>::new(), "and makes no store");
}
