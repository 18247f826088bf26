//! Paths in JSON, also those that are no text.
//!
//! A path is a string if it can be one. Other names exist on most systems; they are kept as an object with their
//! bytes in hexadecimal (UTF-16 units on Windows), so that reading gives the very same path.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use residue_core::hex;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Bytes { hex: String },
}

/// Writes a path.
pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    let stored = match path.to_str() {
        Some(text) => Stored::Text(text.to_owned()),
        None => Stored::Bytes { hex: hex(&bytes(path)) },
    };
    stored.serialize(serializer)
}

/// Reads a path that [`serialize`] wrote.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    match Stored::deserialize(deserializer)? {
        Stored::Text(text) => Ok(PathBuf::from(text)),
        Stored::Bytes { hex } => decode(&hex)
            .and_then(|bytes| from_bytes(&bytes))
            .ok_or_else(|| D::Error::custom("a path in hexadecimal is damaged")),
    }
}

fn decode(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8);
    rest.is_empty().then(|| pairs.iter().map(byte).collect()).flatten()
}

#[cfg(unix)]
fn bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
fn from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(windows)]
fn bytes(path: &Path) -> Vec<u8> {
    use std::os::windows::ffi::OsStrExt;
    path.as_os_str().encode_wide().flat_map(u16::to_le_bytes).collect()
}

#[cfg(windows)]
fn from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::windows::ffi::OsStringExt;
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    rest.is_empty().then(|| PathBuf::from(std::ffi::OsString::from_wide(&units)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder(#[serde(with = "super")] PathBuf);

    #[test]
    fn paths_come_back_as_they_were() {
        let text = serde_json::to_string(&Holder("/models/é".into())).unwrap();
        assert_eq!(text, "\"/models/é\"", "text stays text, as earlier versions wrote it");
        assert_eq!(serde_json::from_str::<Holder>(&text).unwrap(), Holder("/models/é".into()));
        for damaged in [r#"{"hex":"f"}"#, r#"{"hex":"fg"}"#, r#"{"hex":"é"}"#, "1", "{}"] {
            assert!(serde_json::from_str::<Holder>(damaged).is_err(), "{damaged}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_no_text_come_back_too() {
        use std::os::unix::ffi::OsStrExt;
        let holder = Holder(std::ffi::OsStr::from_bytes(b"/models/caf\xe9").into());
        let text = serde_json::to_string(&holder).unwrap();
        assert_eq!(text, r#"{"hex":"2f6d6f64656c732f636166e9"}"#);
        assert_eq!(serde_json::from_str::<Holder>(&text).unwrap(), holder);
    }
}
