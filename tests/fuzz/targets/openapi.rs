#![no_main]
#[path = "../doors.rs"]
#[allow(dead_code)]
mod doors;

libfuzzer_sys::fuzz_target!(|data: &[u8]| doors::openapi(data));
