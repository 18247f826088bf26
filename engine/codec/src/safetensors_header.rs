//! The header of a safetensors file.

use std::io::{self, Read};

use safetensors::tensor::Metadata;

/// Largest header that the format allows, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// The defect of a safetensors header.
#[derive(Debug, thiserror::Error)]
pub enum SafetensorsHeaderError {
    /// The file ends inside the header's length.
    #[error("expected safetensors, found {bytes} bytes, too few for even a header's length")]
    TooShort {
        /// Bytes of the file.
        bytes: u64,
    },
    /// The header is longer than the file or the format allows.
    #[error("the header claims {found} bytes, expected at most {limit}")]
    TooLong {
        /// Bytes that the header claims.
        found: u64,
        /// Bytes that it can have.
        limit: u64,
    },
    /// The file cannot be read.
    #[error("cannot read: {0}")]
    Read(io::Error),
    /// The header is not the JSON that the format specifies.
    #[error("the safetensors header is not valid: {0}")]
    Json(serde_json::Error),
    /// The listed tensors do not fill the file.
    #[error("the header lists {listed} bytes, the file has {bytes}")]
    Size {
        /// Bytes of the header and of all listed tensors.
        listed: u64,
        /// Bytes of the file.
        bytes: u64,
    },
    /// The sizes of the listed tensors overflow.
    #[error("the header lists more bytes than any file can have")]
    Overflow,
}

/// Reads the header of a safetensors file of `bytes` bytes and checks that the tensors it lists fill the
/// file exactly, one after another. Allocates no more than the file really holds.
///
/// The `safetensors` crate parses and checks the list itself, but when it opens a whole file it sums the
/// sizes unchecked, which a hostile header can make overflow.
///
/// # Errors
/// [`SafetensorsHeaderError`] with expected and found sizes.
pub fn read_safetensors_header(
    content: &mut impl Read,
    bytes: u64,
) -> Result<Metadata, SafetensorsHeaderError> {
    let mut length = [0; 8];
    content.read_exact(&mut length).map_err(|_| SafetensorsHeaderError::TooShort { bytes })?;
    let length = u64::from_le_bytes(length);
    let limit = bytes.saturating_sub(8).min(MAX_HEADER);
    if length > limit {
        return Err(SafetensorsHeaderError::TooLong { found: length, limit });
    }
    let mut text = Vec::new();
    content.take(length).read_to_end(&mut text).map_err(SafetensorsHeaderError::Read)?;
    let header: Metadata = serde_json::from_slice(&text).map_err(SafetensorsHeaderError::Json)?;
    // The header may state sizes up to the largest u64.
    match (header.data_len() as u64).checked_add(8 + length) {
        Some(listed) if listed == bytes => Ok(header),
        Some(listed) => Err(SafetensorsHeaderError::Size { listed, bytes }),
        None => Err(SafetensorsHeaderError::Overflow),
    }
}
