//! The header of a safetensors file.

use std::io::Read;

use safetensors::tensor::Metadata;

/// The largest header that the format allows, in bytes.
const LIMIT: u64 = 100_000_000;

/// Reads the header of a safetensors file and checks that the tensors it lists fill the `bytes` bytes
/// of the file exactly, one after another. Allocates no more than the file really holds.
///
/// The `safetensors` crate parses and checks the list itself, but adds its sizes up unchecked when it
/// opens a whole file, which a hostile header can make overflow.
pub fn read_safetensors_header(content: &mut impl Read, bytes: u64) -> Result<Metadata, String> {
    let mut length = [0; 8];
    content.read_exact(&mut length).map_err(|_| {
        format!("expected safetensors, found {bytes} bytes, too few for even a header's length")
    })?;
    let length = u64::from_le_bytes(length);
    let room = bytes.saturating_sub(8).min(LIMIT);
    if length > room {
        return Err(format!("the header claims {length} bytes, expected at most {room}"));
    }
    let mut text = Vec::new();
    content.take(length).read_to_end(&mut text).map_err(|e| format!("cannot read: {e}"))?;
    let header: Metadata = serde_json::from_slice(&text)
        .map_err(|e| format!("the safetensors header is not valid: {e}"))?;
    // Sizes in the header can be anything up to the largest number there is.
    let end = (header.data_len() as u64).checked_add(8 + length);
    match end {
        Some(end) if end == bytes => Ok(header),
        Some(end) => Err(format!("the header lists {end} bytes, the file has {bytes}")),
        None => Err("the header lists more bytes than any file can have".to_owned()),
    }
}
