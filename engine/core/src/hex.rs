//! Hexadecimal text of bytes.

/// Returns lowercase hexadecimal digits, two a byte. Allocates; not realtime-safe.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
