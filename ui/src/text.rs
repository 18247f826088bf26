//! Numbers as they are shown.

/// With a minus as wide as a plus in place of every hyphen.
pub fn minus(text: &str) -> String {
    text.replace('-', "\u{2212}")
}

/// A count in groups of three digits.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        let text = |count| thousands(count).replace('\u{202f}', " ");
        assert_eq!(text(0), "0");
        assert_eq!(text(999), "999");
        assert_eq!(text(1920), "1 920");
        assert_eq!(text(1_234_567), "1 234 567");
    }
}
