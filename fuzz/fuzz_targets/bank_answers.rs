//! Whatever the bytes are, reading them ends in facts or in an error, and the
//! same bytes give the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quittance::providers::sepa::answers::BankAnswer;

fuzz_target!(|bytes: &[u8]| {
    let read = || BankAnswer::read(bytes).map_err(|error| error.to_string());
    assert_eq!(read(), read());
});
