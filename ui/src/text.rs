//! Numbers as text: how they are shown, and how what a person types is read.

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

/// A bitrate, in bits a second, as `0.5 kbps`: three decimals, without zeros at their end.
pub fn kbps(bits: f64) -> String {
    // A thousandth of a kilobit is a bit: exact for every published model.
    let text = format!("{:.3}", bits / 1000.0);
    format!("{} kbps", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A depth that a person typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TypedDepth {
    /// A number of layers.
    Layers(f64),
    /// A bitrate in bits a second.
    Bitrate(f64),
}

impl TypedDepth {
    /// Reads `2 kbps`, `2k`, `2000 bps`, `16 layers` or `16`. A bare number counts layers, but one
    /// that is not whole can only be a bitrate, in kilobits. `None` if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        match unit.as_str() {
            "" if number.fract() != 0.0 => Some(Self::Bitrate(number * 1000.0)),
            "" | "l" | "layer" | "layers" => Some(Self::Layers(number)),
            "k" | "kbps" | "kbit" | "kbit/s" | "kb/s" => Some(Self::Bitrate(number * 1000.0)),
            "bps" | "bit/s" | "b/s" => Some(Self::Bitrate(number)),
            _ => None,
        }
    }
}

/// A finite number that a person typed, and the unit after it in lower case.
pub(crate) fn number_and_unit(text: &str) -> Option<(f64, String)> {
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
    fn bitrates_have_no_needless_digits() {
        assert_eq!(kbps(125.0), "0.125 kbps");
        assert_eq!(kbps(500.0), "0.5 kbps");
        assert_eq!(kbps(2000.0), "2 kbps");
        assert_eq!(kbps(20_000.0), "20 kbps");
    }

    #[test]
    fn depths_are_read_as_layers_or_as_bitrates() {
        use TypedDepth::{Bitrate, Layers};
        for text in ["2 kbps", "2K", "2,0 kbit/s", "2000 bps", " 2 kb/s"] {
            assert_eq!(TypedDepth::parse(text), Some(Bitrate(2000.0)), "{text}");
        }
        assert_eq!(TypedDepth::parse("0.5"), Some(Bitrate(500.0)));
        for text in ["16", "16 layers", "16 L", "+16 layer"] {
            assert_eq!(TypedDepth::parse(text), Some(Layers(16.0)), "{text}");
        }
        assert_eq!(TypedDepth::parse("\u{2212}3"), Some(Layers(-3.0)));
        for text in ["", "kbps", "two", "2 dB", "nan", "inf kbps", "2 2 kbps", "1e3", "--2"] {
            assert_eq!(TypedDepth::parse(text), None, "{text}");
        }
    }

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
    fn counts_are_grouped() {
        let text = |count| thousands(count).replace('\u{202f}', " ");
        assert_eq!(text(0), "0");
        assert_eq!(text(999), "999");
        assert_eq!(text(1920), "1 920");
        assert_eq!(text(1_234_567), "1 234 567");
    }
}
