//! The values that a knob turns through: range, grid and text.

use std::ops::RangeInclusive;

use crate::depth_text::{TypedDepth, format_kbps, format_layers, parse_depth};
use crate::text::{number_and_unit, trimmed_decimal};

/// A value with a range, a grid and a text form.
///
/// Values are in the scale's own unit: layers, decibels, a share.
pub trait KnobScale {
    /// Returns the lowest and the highest value.
    fn range(&self) -> RangeInclusive<f64>;

    /// Returns the value that a reset goes to.
    fn default(&self) -> f64;

    /// Returns the spacing of the grid through 0 that values lie on; `None` for any value.
    fn detent(&self) -> Option<f64>;

    /// Returns the change of an arrow key or a notch of the wheel.
    fn step(&self) -> f64;

    /// Returns the change of an arrow key or a notch with shift.
    fn fine_step(&self) -> f64;

    /// Returns the change of a page key.
    fn page(&self) -> f64;

    /// Formats a value with its unit.
    fn format(&self, value: f64) -> String;

    /// Formats the same value in a second unit, if there is one.
    fn detail(&self, _value: f64) -> Option<String> {
        None
    }

    /// Parses a typed value, with or without a unit; it may lie outside the range.
    fn parse(&self, text: &str) -> Option<f64>;

    /// Returns the nearest value of the range and grid; the default where `value` is not finite.
    fn snap(&self, value: f64) -> f64 {
        if !value.is_finite() {
            return self.default();
        }
        let (low, high) = self.range().into_inner();
        let value = match self.detent() {
            Some(grid) => (value / grid).round() * grid,
            None => value,
        };
        value.clamp(low, high)
    }

    /// Returns the position of a value in the range, 0 to 1.
    fn position(&self, value: f64) -> f64 {
        let (low, high) = self.range().into_inner();
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// The depth of a lane: a number of layers, shown as a bitrate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthScale {
    /// Layers of the model, at least 1.
    pub layers: usize,
    /// Bitrate of one layer, in kilobits a second.
    pub kbps_per_layer: f64,
    /// Depth after a reset, in layers.
    pub default: usize,
}

impl DepthScale {
    /// Creates the scale of a model; a reset goes to all layers.
    pub fn new(layers: usize, kbps_per_layer: f64) -> Self {
        Self { layers: layers.max(1), kbps_per_layer, default: layers.max(1) }
    }
}

impl KnobScale for DepthScale {
    fn range(&self) -> RangeInclusive<f64> {
        1.0..=self.layers as f64
    }

    fn default(&self) -> f64 {
        self.default as f64
    }

    fn detent(&self) -> Option<f64> {
        Some(1.0)
    }

    fn step(&self) -> f64 {
        1.0
    }

    fn fine_step(&self) -> f64 {
        1.0
    }

    fn page(&self) -> f64 {
        4.0
    }

    fn format(&self, value: f64) -> String {
        format_kbps(value * self.kbps_per_layer)
    }

    fn detail(&self, value: f64) -> Option<String> {
        Some(format_layers(value.round() as usize))
    }

    fn parse(&self, text: &str) -> Option<f64> {
        Some(match parse_depth(text)? {
            TypedDepth::Layers(layers) => layers,
            TypedDepth::Kbps(kbps) => (kbps / self.kbps_per_layer).round(),
        })
    }
}

/// A gain in decibels; a reset goes to 0 dB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecibelScale {
    /// Lowest gain, in dB.
    pub low: f64,
    /// Highest gain, in dB.
    pub high: f64,
}

impl KnobScale for DecibelScale {
    fn range(&self) -> RangeInclusive<f64> {
        self.low..=self.high
    }

    fn default(&self) -> f64 {
        0.0_f64.clamp(self.low, self.high)
    }

    fn detent(&self) -> Option<f64> {
        Some(0.1)
    }

    fn step(&self) -> f64 {
        0.5
    }

    fn fine_step(&self) -> f64 {
        0.1
    }

    fn page(&self) -> f64 {
        3.0
    }

    fn format(&self, value: f64) -> String {
        // Not "-0.0".
        let tenths = (value * 10.0).round() + 0.0;
        if tenths == 0.0 { "0.0 dB".into() } else { format!("{:+.1} dB", tenths / 10.0) }
    }

    fn parse(&self, text: &str) -> Option<f64> {
        let (number, unit) = number_and_unit(text)?;
        matches!(unit.as_str(), "" | "db").then_some(number)
    }
}

/// A share, 0 to 1, shown in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PercentScale {
    /// Share after a reset.
    pub default: f64,
}

impl KnobScale for PercentScale {
    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn default(&self) -> f64 {
        self.default
    }

    fn detent(&self) -> Option<f64> {
        Some(0.001)
    }

    fn step(&self) -> f64 {
        0.01
    }

    fn fine_step(&self) -> f64 {
        0.001
    }

    fn page(&self) -> f64 {
        0.1
    }

    fn format(&self, value: f64) -> String {
        format!("{} %", trimmed_decimal(value * 100.0, 1))
    }

    fn parse(&self, text: &str) -> Option<f64> {
        let (number, unit) = number_and_unit(text)?;
        matches!(unit.as_str(), "" | "%" | "percent").then_some(number / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_depths_are_layers_within_the_model() {
        let depth = DepthScale::new(16, 0.125);
        assert_eq!(depth.parse("2 kbps"), Some(16.0));
        assert_eq!(depth.parse("0.5"), Some(4.0));
        assert_eq!(depth.parse("1 layer"), Some(1.0));
        assert_eq!(depth.snap(depth.parse("99").unwrap()), 16.0);
        assert_eq!(depth.snap(depth.parse("-3").unwrap()), 1.0);
        assert_eq!(depth.parse("2 bananas"), None);
    }

    #[test]
    fn every_value_survives_its_own_text() {
        let depth = DepthScale::new(32, 0.125);
        let gain = DecibelScale { low: -24.0, high: 24.0 };
        let mix = PercentScale { default: 1.0 };
        let scales: [&dyn KnobScale; 3] = [&depth, &gain, &mix];
        for scale in scales {
            let (low, high) = scale.range().into_inner();
            for n in 0..=1000 {
                let value = scale.snap(low + (high - low) * f64::from(n) / 1000.0);
                let text = scale.format(value);
                let back = scale.snap(scale.parse(&text).expect("text reads"));
                assert!((back - value).abs() < 1e-9, "{text}: {back}, not {value}");
            }
        }
    }

    #[test]
    fn texts() {
        let depth = DepthScale::new(16, 0.125);
        assert_eq!(depth.format(1.0), "0.125 kbps");
        assert_eq!(depth.format(16.0), "2 kbps");
        assert_eq!(depth.detail(1.0).unwrap(), "1 layer");
        let gain = DecibelScale { low: -24.0, high: 24.0 };
        assert_eq!(gain.format(-0.04), "0.0 dB");
        assert_eq!(gain.format(3.0), "+3.0 dB");
        assert_eq!(gain.parse("\u{2212}6 dB"), Some(-6.0));
        assert_eq!(PercentScale { default: 1.0 }.format(0.5), "50 %");
        assert_eq!(gain.snap(f64::NAN), 0.0);
    }
}
