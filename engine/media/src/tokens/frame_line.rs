//! One frame as a line of text.

use std::io::{self, Write};

use super::FrameErrorKind;

/// Most characters of a bad value that an error repeats.
const QUOTED: usize = 24;

/// Writes one frame as a line, codes separated by spaces, and flushes, so that the next process can
/// go on at once. What [`FrameReader`](super::FrameReader) reads.
///
/// # Errors
/// What the writer returns.
pub fn write_frame(mut writer: impl Write, frame: &[u32]) -> io::Result<()> {
    let codes: Vec<String> = frame.iter().map(u32::to_string).collect();
    writeln!(writer, "{}", codes.join(" "))?;
    writer.flush()
}

/// The codes on a line; `None` on a blank line or a comment.
pub(super) fn parse(line: &str) -> Result<Option<Vec<u32>>, FrameErrorKind> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let list = match (line.strip_prefix('['), line.strip_suffix(']')) {
        (None, None) => line,
        (Some(open), Some(_)) => open.strip_suffix(']').ok_or(FrameErrorKind::Brackets)?.trim(),
        _ => return Err(FrameErrorKind::Brackets),
    };
    if list.is_empty() {
        return Err(FrameErrorKind::Empty);
    }
    if list.contains(['[', ']']) {
        return Err(FrameErrorKind::Brackets);
    }
    let mut frame = Vec::new();
    for between_commas in list.split(',') {
        let before = frame.len();
        for word in between_commas.split_whitespace() {
            frame.push(code(word)?);
        }
        if frame.len() == before {
            return Err(FrameErrorKind::MissingValue);
        }
    }
    Ok(Some(frame))
}

/// One code.
fn code(word: &str) -> Result<u32, FrameErrorKind> {
    let quoted = || word.chars().take(QUOTED).collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match word.strip_prefix('-') {
        Some(rest) if digits(rest) => Err(FrameErrorKind::Negative(quoted())),
        // `parse` alone would take a plus sign.
        None if digits(word) => word.parse().map_err(|_| FrameErrorKind::NotAnInteger(quoted())),
        _ => Err(FrameErrorKind::NotAnInteger(quoted())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_commas_and_json_lists_are_frames() {
        for line in [
            "1 2 1023",
            "1,2,1023",
            " 1, 2 ,\t1023 \r",
            "[1,2,1023]",
            "[ 1, 2, 1023 ]",
            "[1 2 1023]",
        ] {
            assert_eq!(parse(line), Ok(Some(vec![1, 2, 1023])), "{line}");
        }
        assert_eq!(parse("4294967295"), Ok(Some(vec![u32::MAX])));
    }

    #[test]
    fn blank_lines_and_comments_are_skipped() {
        for line in ["", "  \t", "\r", "# 16 layers", "  # 1 2 3"] {
            assert_eq!(parse(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn anything_else_is_named() {
        use FrameErrorKind::*;
        let not = |word: &str| NotAnInteger(word.to_owned());
        for (line, problem) in [
            ("[1,2", Brackets),
            ("1,2]", Brackets),
            ("[", Brackets),
            ("]", Brackets),
            ("[[1],[2]]", Brackets),
            ("[1] [2]", Brackets),
            ("[]", Empty),
            ("[ ]", Empty),
            ("1,,2", MissingValue),
            ("1,2,", MissingValue),
            (",", MissingValue),
            ("1 2.0", not("2.0")),
            ("1 +2", not("+2")),
            ("1 x", not("x")),
            ("1;2", not("1;2")),
            ("1 -", not("-")),
            ("nan", not("nan")),
            ("4294967296", not("4294967296")),
            ("1 -1", Negative("-1".to_owned())),
            ("{\"codes\": [1]}", Brackets),
        ] {
            assert_eq!(parse(line), Err(problem), "{line}");
        }
    }
}
