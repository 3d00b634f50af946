#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rove_fuzz::dhcp::v6(data));
