//! Addresses of files, as file managers and browsers copy them: `file:///home/ada/a%20b.wav` (RFC 8089).

use std::path::PathBuf;

use thiserror::Error;

/// Why an address leads to no path.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FileAddressError {
    /// It names another computer.
    #[error("the address is of a file on {0}; copy it to this computer first")]
    Elsewhere(String),
    /// An escape is none, or stands for what no path holds.
    #[error("the address {0} is damaged: after a percent sign come two hexadecimal digits, not 00")]
    Escape(String),
}

/// Returns the path of a file's address; `None` for a text that is no such address.
pub fn path(text: &str) -> Option<Result<PathBuf, FileAddressError>> {
    let is_address = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:"));
    is_address.then(|| decode(text))
}

fn decode(text: &str) -> Result<PathBuf, FileAddressError> {
    let rest = &text[5..];
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(after) => {
            let (host, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            match host {
                _ if host.is_empty() || host.eq_ignore_ascii_case("localhost") => path,
                // Windows opens files of other computers by their names: \\server\share.
                _ if cfg!(windows) => rest,
                _ => return Err(FileAddressError::Elsewhere(host.to_owned())),
            }
        }
    };
    let damaged = || FileAddressError::Escape(text.to_owned());
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = digit().zip(digit()).ok_or_else(damaged)?;
                (16 * high + low) as u8
            }
            byte => byte,
        };
        if decoded == 0 {
            return Err(damaged());
        }
        bytes.push(decoded);
    }
    to_path(bytes).ok_or_else(damaged)
}

#[cfg(unix)]
fn to_path(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    // Names need not be UTF-8.
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

#[cfg(not(unix))]
fn to_path(bytes: Vec<u8>) -> Option<PathBuf> {
    let text = String::from_utf8(bytes).ok()?;
    // A drive's letter follows the slash: /C:/music.
    let drive = text.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    Some(PathBuf::from(drive.unwrap_or(&text).replace('/', "\\")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_paths() {
        for (address, expected) in [
            ("file:///home/ada/a%20b.wav", "/home/ada/a b.wav"),
            ("file://localhost/x/%C3%A9%25%23.npy", "/x/é%#.npy"),
            ("FILE:///x", "/x"),
            ("file:/x/y%2Fz", "/x/y/z"),
            ("file:///plus+is+plus", "/plus+is+plus"),
        ] {
            assert_eq!(path(address), Some(Ok(PathBuf::from(expected))), "{address}");
        }
        for text in ["/home/ada/a%20b.wav", "a.wav", "", "filé:", "http://x/y", "C:\\file:x"] {
            assert_eq!(path(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_here_is_refused_in_words() {
        let told = |address| path(address).unwrap().unwrap_err().to_string();
        if cfg!(not(windows)) {
            assert!(told("file://server/share/x.wav").contains("on server"));
        }
        for damaged in ["file:///a%2", "file:///a%zz", "file:///%", "file:///a%00b", "file:///%é0"]
        {
            assert!(told(damaged).contains("percent"), "{damaged}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn drives_and_servers_are_written_as_windows_does() {
        for (address, expected) in [
            ("file:///C:/M%C3%BCsik/a%20b.wav", r"C:\Müsik\a b.wav"),
            ("file:C:/x", r"C:\x"),
            ("file://server/share/x.wav", r"\\server\share\x.wav"),
            ("file://localhost/D:/x", r"D:\x"),
        ] {
            let found = path(address).unwrap().unwrap();
            assert_eq!(found.to_str(), Some(expected), "{address}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_need_not_be_utf8() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"/x/\xff.wav");
        assert_eq!(path("file:///x/%FF.wav"), Some(Ok(PathBuf::from(name))));
    }
}
