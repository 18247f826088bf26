//! Paths in JSON.

use std::path::Path;

use serde::Serialize;

/// A path in JSON: text, or where a name is no Unicode an object with a readable `text` and its exact `bytes`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum JsonPath {
    /// Unicode.
    Text(String),
    /// Anything else that a system takes for a name.
    Bytes {
        /// With a replacement character for each part that is no Unicode.
        text: String,
        /// The system's bytes (on Windows in WTF-8).
        bytes: Vec<u8>,
    },
}

impl From<&Path> for JsonPath {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes {
                text: path.to_string_lossy().into_owned(),
                bytes: path.as_os_str().as_encoded_bytes().to_vec(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unicode_is_text() {
        let path = JsonPath::from(Path::new("a/ü.wav"));
        assert_eq!(serde_json::to_value(path).unwrap(), json!("a/ü.wav"));
    }

    #[cfg(unix)]
    #[test]
    fn other_names_keep_their_bytes() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"a\xFF.wav"));
        let json = serde_json::to_value(JsonPath::from(path)).unwrap();
        assert_eq!(json, json!({ "text": "a\u{fffd}.wav", "bytes": b"a\xFF.wav" }));
    }
}
