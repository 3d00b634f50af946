#![no_main]

mod bound;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bound::within(rove_fuzz::rohc::check, data));
