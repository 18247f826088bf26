//! The output of commands: messages and file names.

use std::fmt::Display;
use std::io::{Write, stdout};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Prints lines on stdout. A reader that has gone away is an error, which ends the command quietly.
pub fn say(text: impl Display) -> Result<()> {
    writeln!(stdout(), "{text}").context("cannot write to stdout")
}

/// Refuses a path that a file cannot be written to, before hours of work are spent on it.
pub fn check(path: &Path) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        bail!("cannot write {}: there is no folder {}", path.display(), parent.display());
    }
    if path.is_dir() {
        bail!("cannot write {}: it is a folder, expected a file's name", path.display());
    }
    Ok(())
}
