//! The header of a safetensors file.

use std::collections::BTreeSet;
use std::io::{self, Read};

use safetensors::tensor::Metadata;

use super::foreign_content::ForeignContent;
use super::limits::MAX_HEADER_BYTES;

/// The defect of a safetensors header.
#[derive(Debug, thiserror::Error)]
pub enum SafetensorsHeaderError {
    /// The file ends inside the header's length.
    #[error("expected safetensors, found {bytes} bytes, too few for even a header's length")]
    TooShort {
        /// Bytes of the file.
        bytes: u64,
    },
    /// The file is of another kind.
    #[error("{0}")]
    Foreign(ForeignContent),
    /// The header is longer than the file, or than the limit.
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

/// Reads the header, of at most `limit` bytes, of a safetensors file of `bytes` bytes and checks that the
/// tensors it lists fill the file exactly, one after another. Allocates no more than the file really holds.
///
/// The `safetensors` crate parses and checks the list itself, but when it opens a whole file it sums the
/// sizes unchecked, which a hostile header can make overflow.
///
/// # Errors
/// [`SafetensorsHeaderError`] with expected and found sizes.
pub(super) fn read_safetensors_header(
    content: &mut impl Read,
    bytes: u64,
    limit: u64,
) -> Result<Metadata, SafetensorsHeaderError> {
    let mut length = [0; 8];
    content.read_exact(&mut length).map_err(|_| SafetensorsHeaderError::TooShort { bytes })?;
    let (head, length) = (length, u64::from_le_bytes(length));
    let limit = bytes.saturating_sub(8).min(limit);
    if length > limit {
        // Text that is read as a number is a length like this one.
        let mut head = head.to_vec();
        let rest = ForeignContent::HEAD as u64 - 8;
        content.take(rest).read_to_end(&mut head).map_err(SafetensorsHeaderError::Read)?;
        return Err(match ForeignContent::recognize(&head) {
            Some(content) => SafetensorsHeaderError::Foreign(content),
            None => SafetensorsHeaderError::TooLong { found: length, limit },
        });
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

/// Reads the names of the tensors in a safetensors file of `bytes` bytes.
///
/// # Errors
/// [`SafetensorsHeaderError`] with expected and found sizes.
pub fn read_tensor_names(
    content: &mut impl Read,
    bytes: u64,
) -> Result<BTreeSet<String>, SafetensorsHeaderError> {
    let header = read_safetensors_header(content, bytes, MAX_HEADER_BYTES)?;
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
        read_tensor_names(&mut &bytes[..], bytes.len() as u64)
            .map(|names| names.len())
            .map_err(|error| error.to_string())
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
    fn other_kinds_of_files_are_called_by_their_name() {
        let pointer =
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 7098265600\n";
        assert!(check(pointer).unwrap_err().contains("Git LFS pointer"));
        assert!(check(b"<!DOCTYPE html><html></html>").unwrap_err().contains("web page"));
    }

    #[test]
    fn a_header_is_bounded_also_in_a_file_that_holds_it() {
        let long = file(&format!("{{{}}}", " ".repeat(MAX_HEADER_BYTES as usize)), 0);
        assert!(check(&long).unwrap_err().contains(&format!("at most {MAX_HEADER_BYTES}")));
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
