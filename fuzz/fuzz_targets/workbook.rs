#![no_main]

use std::panic;
use std::thread;

#[path = "../../tests/fuzz/properties/mod.rs"]
mod properties;

// What reads workbooks may panic on a broken one: it does so on a thread of its own, and the workbook is refused.
libfuzzer_sys::fuzz_target!(
    init: {
        let ends = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().name() != Some("workbook") {
                ends(panic);
            }
        }));
    },
    |input: &[u8]| properties::workbook(input)
);
