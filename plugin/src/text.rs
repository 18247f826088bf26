//! Parameter values as text, formatted and parsed.

use std::sync::Arc;

use residue_ui::text::trimmed_decimal;

/// Formats a parameter value.
pub type FormatValue<T> = Arc<dyn Fn(T) -> String + Send + Sync>;

/// Parses a parameter value; `None` if the text is not one.
pub type ParseValue<T> = Arc<dyn Fn(&str) -> Option<T> + Send + Sync>;

/// Formats numbers with at most one decimal.
pub fn format_one_decimal() -> FormatValue<f32> {
    Arc::new(|value| trimmed_decimal(f64::from(value), 1))
}

/// Parses a finite number with a decimal point or comma, with or without one of these units, in upper or
/// lower case.
pub fn parse_number(units: &'static [&'static str]) -> ParseValue<f32> {
    Arc::new(|text| {
        let text = text.trim().to_lowercase().replace(',', ".");
        let bare = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text);
        bare.trim().parse().ok().filter(|value: &f32| value.is_finite())
    })
}

/// Parses on and off.
pub fn parse_switch() -> ParseValue<bool> {
    Arc::new(|text| match text.trim().to_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Some(true),
        "off" | "no" | "false" | "0" => Some(false),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_commas_are_understood_and_nonsense_is_not() {
        let parse = parse_number(&["db"]);
        for text in ["-6.5", "-6.5 dB", "-6,5DB", "  -6.5 db "] {
            assert_eq!(parse(text), Some(-6.5), "{text}");
        }
        for text in ["", "dB", "six", "inf", "NaN dB", "6 %"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(
            [parse_switch()(" On "), parse_switch()("0"), parse_switch()("maybe")],
            [Some(true), Some(false), None]
        );
    }
}
