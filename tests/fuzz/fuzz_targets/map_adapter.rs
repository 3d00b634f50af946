#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rove_fuzz::private::map_adapter(data));
