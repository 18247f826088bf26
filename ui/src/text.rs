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

#[cfg(test)]
mod tests {
    use super::*;

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
