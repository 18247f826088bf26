//! Folders named by environment variables, as the hub's own tools read them.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Returns the folder that a variable's value means: `~` and `~/` at the beginning are the home folder, and
/// `$NAME` and `${NAME}` the values of other variables, as Python's `os.path.expanduser` and `expandvars` have
/// it. Names that are not set, and `~NAME`, stay as they are.
///
/// `lookup` returns a variable's value, and `home` the home folder.
pub(super) fn expand(
    value: &OsStr,
    lookup: &dyn Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> PathBuf {
    // A value with anything to expand and bytes that are no text is left as it is.
    let Some(text) = value.to_str() else { return PathBuf::from(value) };
    let mut expanded = OsString::new();
    let mut rest = text;
    if let Some(after) = text.strip_prefix('~')
        && (after.is_empty() || after.starts_with(std::path::is_separator))
        && let Some(home) = home
    {
        expanded.push(home);
        rest = after;
    }
    while let Some(at) = rest.find('$') {
        let (before, variable) = rest.split_at(at);
        expanded.push(before);
        let (name, length) = variable_name(variable);
        match name.and_then(lookup) {
            Some(value) => expanded.push(value),
            None => expanded.push(&variable[..length]),
        }
        rest = &variable[length..];
    }
    expanded.push(rest);
    PathBuf::from(expanded)
}

/// Returns the name in `text`, which begins with `$`, if it is one, and the bytes that it takes with its marks.
fn variable_name(text: &str) -> (Option<&str>, usize) {
    let after = &text[1..];
    if let Some(inner) = after.strip_prefix('{') {
        return match inner.find('}') {
            Some(end) => (Some(&inner[..end]), end + 3),
            None => (None, text.len()),
        };
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
    ((end > 0).then(|| &after[..end]), end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_expanded_as_python_does() {
        let lookup = |name: &str| match name {
            "HOME" => Some("/home/me".into()),
            "DATA_1" => Some("/data".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        };
        // Left, and what os.path.expandvars(os.path.expanduser(left)) gives with these variables.
        for (value, expected) in [
            ("~", "/home/me"),
            ("~/hub", "/home/me/hub"),
            ("$HOME/hub", "/home/me/hub"),
            ("${HOME}/hub", "/home/me/hub"),
            ("$DATA_1/a$EMPTY-b/${DATA_1}x", "/data/a-b//datax"),
            ("/x/~/y", "/x/~/y"),
            ("~other/hub", "~other/hub"),
            ("$UNSET/hub", "$UNSET/hub"),
            ("${UNSET}/$/a$", "${UNSET}/$/a$"),
            ("${HOME", "${HOME"),
            ("$$HOME", "$/home/me"),
            ("", ""),
            ("é$HOME é", "é/home/me é"),
        ] {
            let found = expand(value.as_ref(), &lookup, Some("/home/me".into()));
            assert_eq!(found, PathBuf::from(expected), "{value}");
        }
        assert_eq!(expand("~/x".as_ref(), &lookup, None), PathBuf::from("~/x"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_are_kept() {
        use std::os::unix::ffi::OsStrExt;
        let name = OsStr::from_bytes(b"/caf\xe9");
        assert_eq!(expand(name, &|_| None, None), PathBuf::from(name));
        let lookup = |_: &str| Some(OsString::from(name));
        let expected = PathBuf::from(OsStr::from_bytes(b"/caf\xe9/hub"));
        assert_eq!(expand("$X/hub".as_ref(), &lookup, None), expected);
    }
}
