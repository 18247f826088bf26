//! Small files, read whole.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Largest file accepted, in bytes. Published configurations have a few kilobytes, shard indexes half a
/// megabyte.
pub const LIMIT: u64 = 16 << 20;

/// Reads a whole file of at most [`LIMIT`] bytes, regardless of its declared size.
///
/// # Errors
/// The system's error, and `FileTooLarge` beyond the limit.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LIMIT {
        let problem = format!("larger than {LIMIT} bytes, which no file of this kind needs");
        return Err(Error::new(ErrorKind::FileTooLarge, problem));
    }
    Ok(content)
}
