//! Reading small text files.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Largest file taken: the published ones have a few kilobytes, a shard index half a megabyte.
const LIMIT: u64 = 16 << 20;

/// The text of a file of at most 16 MiB, whatever its declared size.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIMIT {
        let problem = format!("larger than {LIMIT} bytes, which no model's file of this kind is");
        return Err(Error::new(ErrorKind::FileTooLarge, problem));
    }
    Ok(text)
}
