//! The program's version.

use std::sync::LazyLock;

/// The commit that packages are built from; other builds do not know theirs.
const COMMIT: Option<&str> = option_env!("RESIDUE_COMMIT");

static TEXT: LazyLock<String> = LazyLock::new(|| match COMMIT {
    Some(commit) => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
    None => env!("CARGO_PKG_VERSION").to_owned(),
});

/// Returns the version, with the commit in parentheses where it is known: `0.2.0 (1a2b3c4)`.
pub fn text() -> &'static str {
    &TEXT
}
