#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rove_fuzz::sip::header(data));
