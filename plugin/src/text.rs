//! Numbers as text, both ways.

use std::sync::Arc;

/// From a value to its text.
pub type Show<T> = Arc<dyn Fn(T) -> String + Send + Sync>;

/// From a text to its value, if it means one.
pub type Read<T> = Arc<dyn Fn(&str) -> Option<T> + Send + Sync>;

/// A number with at most `digits` decimals and no zeros at its end: `0.5`, `2`.
pub fn number(value: f32, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Shows values with one decimal at most.
pub fn show() -> Show<f32> {
    Arc::new(|value| number(value, 1))
}

/// Reads a finite number, in any case of letters, with a point or a comma, with or without one of
/// these units.
pub fn read(units: &'static [&'static str]) -> Read<f32> {
    Arc::new(|text| {
        let text = text.trim().to_lowercase().replace(',', ".");
        let bare = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text);
        bare.trim().parse().ok().filter(|value: &f32| value.is_finite())
    })
}

/// Reads a switch.
pub fn read_switch() -> Read<bool> {
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
    fn numbers_are_as_short_as_they_can_be() {
        let shown = [(2.0, "2"), (0.5, "0.5"), (100.0, "100"), (-0.01, "0"), (-6.04, "-6")];
        for (value, text) in shown {
            assert_eq!(number(value, 1), text);
        }
        assert_eq!(number(0.125, 3), "0.125");
    }

    #[test]
    fn units_and_commas_are_understood_and_nonsense_is_not() {
        let read = read(&["db"]);
        for text in ["-6.5", "-6.5 dB", "-6,5DB", "  -6.5 db "] {
            assert_eq!(read(text), Some(-6.5), "{text}");
        }
        for text in ["", "dB", "six", "inf", "NaN dB", "6 %"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(
            [read_switch()(" On "), read_switch()("0"), read_switch()("maybe")],
            [Some(true), Some(false), None]
        );
    }
}
