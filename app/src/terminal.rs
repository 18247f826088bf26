//! Everything that the program prints.
//!
//! Text from outside (names of files and devices, headers, metadata) may hold control characters, which a terminal
//! obeys. So all text goes through [`printable`]. Notes on stderr are for a person who may not be there: that they
//! cannot be written is no error. Lines on stdout are a result: that they cannot be written is one.

use std::fmt::{Display, Write as _};
use std::io::{self, Write, stderr, stdout};
use std::path::Path;

use anyhow::Context;

/// Returns text without anything that a terminal obeys or that reorders the text: such characters are escaped as
/// in JSON (`\u001b`), so that JSON stays the same. Lines stay lines.
pub fn printable(text: impl Display) -> String {
    let text = text.to_string();
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_obeyed(character) {
            // Writing to a string does not fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Returns true for control characters, and for those that change the direction of text.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{061c}')
}

/// Returns a path as one line.
pub fn name(path: &Path) -> String {
    printable(path.display()).replace('\n', "\\u000a")
}

/// Prints lines on stdout.
///
/// # Errors
/// If they cannot be written. A reader that has gone away is an error too, which ends a command quietly.
pub fn say(text: impl Display) -> anyhow::Result<()> {
    let mut stdout = stdout().lock();
    writeln!(stdout, "{}", printable(text))
        .and_then(|()| stdout.flush())
        .context("cannot write to stdout")
}

/// Prints lines on stderr, if that is possible.
pub fn tell(text: impl Display) {
    // There is nowhere to report it.
    let _ = writeln!(stderr(), "{}", printable(text));
}

/// Prints something worth knowing on stderr, if that is possible.
pub fn note(text: impl Display) {
    tell(format_args!("residue: note: {text}"));
}

/// Prints something that may be wrong on stderr, if that is possible.
pub fn warn(text: impl Display) {
    tell(format_args!("residue: warning: {text}"));
}

/// Prints an error with its causes in one line on stderr, if that is possible.
pub fn fail(error: &anyhow::Error) {
    tell(format_args!("residue: {}", explain(error).replace('\n', " ")));
}

/// Returns an error's message with those of its causes that it does not hold already. Messages of this program hold
/// their cause, since a window shows nothing else; those of other crates may not.
pub fn explain(error: &anyhow::Error) -> String {
    let mut messages = error.chain().map(ToString::to_string);
    let mut text = messages.next().unwrap_or_default();
    for message in messages {
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
    }
    text
}

/// Returns true if the reader of stdout has gone away before it had everything.
pub fn is_unread(error: &anyhow::Error) -> bool {
    let source = error.downcast_ref::<io::Error>();
    source.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use std::io;

    use residue_engine::tokens::{CodesError, FrameError, FrameErrorKind, NpyError, NpyErrorKind};

    use super::*;

    #[test]
    fn terminals_get_nothing_to_obey() {
        for (text, safe) in [
            ("plain äöü 漢字 🎵", "plain äöü 漢字 🎵"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u001b[2J\\u001b]0;title\\u0007"),
            ("a\rb\tc\u{8}\u{7f}", "a\\u000db\\u0009c\\u0008\\u007f"),
            ("csi \u{9b}31m", "csi \\u009b31m"),
            ("txt\u{202e}vaw.exe", "txt\\u202evaw.exe"),
            ("two\nlines", "two\nlines"),
        ] {
            assert_eq!(printable(text), safe);
        }
        assert_eq!(name(Path::new("a\nresidue: b")), "a\\u000aresidue: b");
        // JSON means the same after it.
        let json = serde_json::json!({ "name": "\u{1b}[31m \u{9b} \u{202e} \u{7f}" });
        let safe = printable(serde_json::to_string_pretty(&json).unwrap());
        assert!(!safe.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7f}']));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), json);
    }

    #[test]
    fn every_cause_is_told_once() {
        let cause = "unplugged";
        let io = || io::Error::other(cause);
        let npy = |problem| NpyError { name: "x.npy".into(), problem };
        let line = FrameErrorKind::NotAnInteger("seven".into());
        for (error, once) in [
            (npy(NpyErrorKind::Read(io())).into(), cause),
            (npy(NpyErrorKind::Write(io())).into(), cause),
            (FrameError::from(npy(NpyErrorKind::Read(io()))).into(), cause),
            (FrameError::Read { name: "stdin".into(), line: 2, source: io() }.into(), cause),
            (
                FrameError::Line { name: "stdin".into(), line: 2, problem: line }.into(),
                "'seven' is not a whole number",
            ),
            (
                FrameError::Codes {
                    name: "stdin".into(),
                    source: CodesError::NoLayers { layers: 3 },
                }
                .into(),
                "the codes have no layers",
            ),
            // A context of anyhow's holds no cause.
            (anyhow::Error::from(io()).context("cannot write to stdout"), cause),
            (anyhow::Error::from(npy(NpyErrorKind::Read(io()))).context("codes"), cause),
        ] {
            let error: anyhow::Error = error;
            let text = explain(&error);
            assert_eq!(text.matches(once).count(), 1, "{text}");
            assert!(text.starts_with(&error.to_string()), "{text}");
        }
    }
}
