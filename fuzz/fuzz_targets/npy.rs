//! An array of codes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use residue_engine::tokens::npy;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(codes) = npy::read_from(bytes, "fuzz.npy") {
        let mut written = Vec::new();
        npy::write_to(&mut written, &codes).expect("a vector takes all");
        let again = npy::read_from(&*written, "again.npy").expect("our own file is read");
        assert!(again == codes);
    }
});
