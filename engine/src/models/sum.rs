//! Summing files.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::ModelsError;

/// Bytes read, summed and written at a time.
pub(super) const BLOCK: usize = 256 << 10;

/// Reads to the end. Gives the running sum and the bytes; `on_block` hears the bytes so far.
pub(super) fn sum_all(
    reader: &mut impl Read,
    failure: impl Fn(io::Error) -> ModelsError,
    mut on_block: impl FnMut(u64) -> Result<(), ModelsError>,
) -> Result<(Sha256, u64), ModelsError> {
    let mut sum = Sha256::new();
    let mut bytes = 0;
    let mut block = vec![0; BLOCK];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok((sum, bytes)),
            Ok(count) => {
                sum.update(&block[..count]);
                bytes += count as u64;
                on_block(bytes)?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failure(e)),
        }
    }
}
