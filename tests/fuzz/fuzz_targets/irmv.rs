#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rove_fuzz::irmv::check(data));
