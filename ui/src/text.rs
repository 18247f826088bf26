//! Numbers as text.

/// Replaces every hyphen by a minus sign, which is as wide as a plus.
pub fn minus(text: &str) -> String {
    text.replace('-', "\u{2212}")
}

/// Formats a count in groups of three digits.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            // A narrow space that does not break.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with at most `digits` decimals and without trailing zeros: `0.5`, `2`.
pub fn trimmed_decimal(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Parses a finite number and the unit behind it, which is returned in lower case and may be empty.
pub fn number_and_unit(text: &str) -> Option<(f64, String)> {
    // People also type a comma, or paste a typographic minus.
    let text = text.trim().replace('\u{2212}', "-").replace(',', ".").to_lowercase();
    let part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let end = text.find(|c| !part(c)).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim().into()))
}

/// A size in bytes as `12 kB`, `88 MB` or `7.10 GB`, in powers of 1000.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{} kB", count.div_ceil(1000)),
        1_000_000..1_000_000_000 => megabytes(count, 0),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// A size in bytes in megabytes (10^6 bytes) with so many decimals, whatever it is: for columns of
/// sizes.
pub fn megabytes(count: u64, decimals: usize) -> String {
    format!("{:.decimals$} MB", count as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_and_never_nothing() {
        for (count, text) in [
            (0, "0 kB"),
            (1, "1 kB"),
            (12_345, "13 kB"),
            (87_878_656, "88 MB"),
            (7_098_265_600, "7.10 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(megabytes(87_878_656, 1), "87.9 MB");
        assert_eq!(megabytes(7_098_265_600, 1), "7098.3 MB");
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let shown = [(2.0, "2"), (0.5, "0.5"), (100.0, "100"), (-0.01, "0"), (-6.04, "-6")];
        for (value, text) in shown {
            assert_eq!(trimmed_decimal(value, 1), text);
        }
        assert_eq!(trimmed_decimal(0.125, 3), "0.125");
    }

    #[test]
    fn counts_are_grouped() {
        let text = |count| thousands(count).replace('\u{202f}', " ");
        assert_eq!(text(0), "0");
        assert_eq!(text(999), "999");
        assert_eq!(text(1920), "1 920");
        assert_eq!(text(1_234_567), "1 234 567");
    }
}
