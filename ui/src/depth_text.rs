//! The depth of a lane as text: a bitrate or a number of layers, formatted and parsed.

use crate::text::{number_and_unit, trimmed_decimal};

/// A depth as a person typed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TypedDepth {
    /// A number of RVQ layers; it may lie outside the model's.
    Layers(f64),
    /// A bitrate in kilobits a second.
    Kbps(f64),
}

/// Formats a bitrate in kilobits a second: `2 kbps`, `0.125 kbps`.
pub fn format_kbps(kbps: f64) -> String {
    // A thousandth of a kilobit is a bit: exact for every published model.
    format!("{} kbps", trimmed_decimal(kbps, 3))
}

/// Formats a number of layers: `1 layer`, `16 layers`.
pub fn format_layers(layers: usize) -> String {
    if layers == 1 { "1 layer".to_owned() } else { format!("{layers} layers") }
}

/// Parses `2 kbps`, `2k`, `2000 bps`, `16 layers` or `16`. A bare number counts layers, except that a
/// fraction can only be kilobits a second.
pub fn parse_depth(text: &str) -> Option<TypedDepth> {
    let (number, unit) = number_and_unit(text)?;
    match unit.as_str() {
        "" if number.fract() != 0.0 => Some(TypedDepth::Kbps(number)),
        "" | "l" | "layer" | "layers" => Some(TypedDepth::Layers(number)),
        "k" | "kbps" | "kbit" | "kbit/s" | "kb/s" => Some(TypedDepth::Kbps(number)),
        "bps" | "bit/s" | "b/s" => Some(TypedDepth::Kbps(number / 1000.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_bitrates_or_layers() {
        for text in ["2 kbps", "2kbps", "2K", "2000 bps", "2,0 kbit/s", " 2,0 KBPS", "2 kb/s"] {
            assert_eq!(parse_depth(text), Some(TypedDepth::Kbps(2.0)), "{text}");
        }
        for text in ["16 layers", "16", " 16 ", "16 l", "16.0"] {
            assert_eq!(parse_depth(text), Some(TypedDepth::Layers(16.0)), "{text}");
        }
        assert_eq!(parse_depth("0.5"), Some(TypedDepth::Kbps(0.5)), "a fraction is a bitrate");
        assert_eq!(parse_depth("1 layer"), Some(TypedDepth::Layers(1.0)));
        for text in
            ["", "kbps", "two", "2 dB", "2 bananas", "1e3", "--2", "NaN", "inf kbps", "2 2 kbps"]
        {
            assert_eq!(parse_depth(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_short() {
        assert_eq!([0.125, 2.0, 32.0].map(format_kbps), ["0.125 kbps", "2 kbps", "32 kbps"]);
        assert_eq!([1, 16].map(format_layers), ["1 layer", "16 layers"]);
    }
}
