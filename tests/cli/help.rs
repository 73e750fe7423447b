//! What `--help` says, and the other words about the program itself.

use crate::shop::Shop;

#[test]
fn the_root_names_every_command_and_exit_code() {
    insta::assert_snapshot!(Shop::new().ok("--help"));
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let commands = [
        "pool create",
        "pool set",
        "pool list",
        "pool show",
        "pool pause",
        "pool resume",
        "pool import",
        "pool imports",
        "pool undo-import",
        "pool reconcile",
        "pool trim-journal",
        "pool generate",
        "pool delete",
        "assign",
        "audit",
        "lint",
        "render",
        "voucher show",
        "voucher validate",
        "voucher redeem",
        "voucher rollback",
        "voucher void",
        "voucher release",
        "voucher reclaim",
        "customer show",
        "customer forget",
        "events ingest",
        "export",
        "token",
        "import-due",
        "serve",
        "key create",
        "key list",
        "key revoke",
        "key rotate",
        "doctor",
        "bench",
        "completions",
    ];
    for command in commands {
        let help = Shop::new().ok(&format!("{command} --help"));
        assert!(help.contains("Example"), "{command}: {help}");
        assert!(help.contains(&format!("  tearoff {command}")), "{command}: {help}");
        assert!(help.contains("Global options:"), "{command}: {help}");
    }
}

#[test]
fn pool_create_explains_every_setting() {
    insta::assert_snapshot!(Shop::new().ok("pool create --help"));
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(Shop::new().ok("--version"), format!("tearoff {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Shop::new().ok(&format!("completions {shell}"));
        assert!(script.contains("limit-per-customer") && script.contains("reclaim"), "{shell}");
    }
}

#[test]
fn no_command_and_unknown_arguments_are_usage_errors() {
    let shop = Shop::new();
    for arguments in ["pool", "pool lst", "pool set spring", "render hi --channel fax --customer {}", "voucher reclaim"]
    {
        let run = shop.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments}");
        assert!(run.stderr.contains("Usage: tearoff") || run.stderr.contains("--help"), "{run:?}");
    }
    assert_eq!(shop.run_with(&[]).code, Some(2));
}
