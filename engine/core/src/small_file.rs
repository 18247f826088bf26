//! Small files, read whole.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Largest file that [`read`] accepts, in bytes.
pub const LIMIT: u64 = 16 << 20;

/// Reads a whole file of at most [`LIMIT`] bytes, regardless of its declared size.
///
/// # Errors
/// The system's error, and `FileTooLarge` beyond the limit.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    read_within(path, LIMIT)
}

/// Reads a whole file of at most `limit` bytes, regardless of its declared size.
///
/// # Errors
/// The system's error, and `FileTooLarge` beyond the limit.
pub fn read_within(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        let problem = format!("larger than {limit} bytes, which no file of this kind needs");
        return Err(Error::new(ErrorKind::FileTooLarge, problem));
    }
    Ok(content)
}
