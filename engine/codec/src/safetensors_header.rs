//! The header of a safetensors file.

use std::collections::BTreeSet;
use std::io::Read;

use safetensors::tensor::Metadata;

/// The largest header that the format allows, in bytes.
const LIMIT: u64 = 100_000_000;

/// Reads the header of a safetensors file and checks that the tensors it lists fill the `bytes` bytes
/// of the file exactly, one after another. Allocates no more than the file really holds.
///
/// The `safetensors` crate parses and checks the list itself, but adds its sizes up unchecked when it
/// opens a whole file, which a hostile header can make overflow.
pub(super) fn read_safetensors_header(
    content: &mut impl Read,
    bytes: u64,
) -> Result<Metadata, String> {
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

/// Reads the names of the tensors in a safetensors file of `bytes` bytes.
///
/// # Errors
/// What is wrong with the header, in words for the user: see [`read_safetensors_header`].
pub fn read_tensor_names(content: &mut impl Read, bytes: u64) -> Result<BTreeSet<String>, String> {
    let header = read_safetensors_header(content, bytes)?;
    Ok(header.tensors().into_keys().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; data]);
        bytes
    }

    fn check(bytes: &[u8]) -> Result<usize, String> {
        read_tensor_names(&mut &bytes[..], bytes.len() as u64).map(|names| names.len())
    }

    const TWO: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[3],"data_offsets":[8,11]}}"#;

    #[test]
    fn a_header_has_to_fill_its_file() {
        assert_eq!(check(&file(TWO, 11)), Ok(2));
        assert!(check(&file(TWO, 10)).unwrap_err().contains("the file has"));
        assert!(check(&file(TWO, 12)).unwrap_err().contains("the file has"));
    }

    #[test]
    fn a_file_cut_anywhere_is_noticed() {
        let whole = file(TWO, 11);
        for length in 0..whole.len() {
            assert!(check(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn hostile_headers_are_errors() {
        assert!(check(&u64::MAX.to_le_bytes()).unwrap_err().contains("claims"));
        let overlap = TWO.replace("[8,11]", "[7,10]");
        let backwards = TWO.replace("[8,11]", "[11,8]");
        let shape = TWO.replace("[2]", "[18446744073709551615,18446744073709551615]");
        let dtype = TWO.replace("I8", "X9");
        for header in [&overlap, &backwards, &shape, &dtype, "[]", "{", "\"\""] {
            assert!(check(&file(header, 11)).is_err(), "{header}");
        }
        // Each tensor is possible, together they are more than can be counted.
        let quarter = 1u64 << 61;
        let endless: Vec<String> = (0..7)
            .map(|i| {
                format!(
                    r#""{i}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}"#,
                    quarter - 1,
                    i * (quarter - 1),
                    (i + 1) * (quarter - 1)
                )
            })
            .collect();
        assert!(check(&file(&format!("{{{}}}", endless.join(",")), 0)).is_err());
    }
}
