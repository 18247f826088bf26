//! What a knob turns: a range of values with their text, both ways.

use std::ops::RangeInclusive;

use crate::text::{TypedDepth, kbps, number_and_unit};

/// A value with a range, a grid and a text form.
///
/// Values are in the quantity's own unit: layers, decibels, a share.
pub trait KnobScale {
    /// Lowest and highest value.
    fn range(&self) -> RangeInclusive<f64>;

    /// What a reset goes to.
    fn default(&self) -> f64;

    /// Values are whole multiples of this away from 0; `None`: any value.
    fn detent(&self) -> Option<f64>;

    /// What an arrow key or a notch of the wheel adds.
    fn step(&self) -> f64;

    /// What an arrow key or a notch adds with shift.
    fn fine_step(&self) -> f64;

    /// What the page keys add.
    fn page(&self) -> f64;

    /// The text of a value, with its unit.
    fn format(&self, value: f64) -> String;

    /// The same value in other words, if there are any.
    fn detail(&self, _value: f64) -> Option<String> {
        None
    }

    /// The value of a text that a person typed, with or without a unit; it may lie outside the range.
    fn parse(&self, text: &str) -> Option<f64>;

    /// The nearest value there is. Not finite: the default.
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

    /// Where a value lies in the range, 0 to 1.
    fn position(&self, value: f64) -> f64 {
        let (low, high) = self.range().into_inner();
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// The depth of a lane: layers, said as a bitrate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthScale {
    /// Layers that the model has, at least 1.
    pub layers: usize,
    /// Kilobits a second of one layer.
    pub kbps_per_layer: f64,
    /// What a reset goes to.
    pub default: usize,
}

impl DepthScale {
    /// Of a model with so many layers of so many kilobits a second; resets to all of them.
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
        kbps(value * self.kbps_per_layer * 1000.0)
    }

    fn detail(&self, value: f64) -> Option<String> {
        Some(if value == 1.0 { "1 layer".into() } else { format!("{value} layers") })
    }

    fn parse(&self, text: &str) -> Option<f64> {
        match TypedDepth::parse(text)? {
            TypedDepth::Layers(layers) => Some(layers),
            TypedDepth::Bitrate(bits) => Some((bits / 1000.0 / self.kbps_per_layer).round()),
        }
    }
}

/// A gain in decibels; resets to 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecibelScale {
    /// Lowest.
    pub low: f64,
    /// Highest.
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

/// A share, 0 to 1, said in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PercentScale {
    /// What a reset goes to.
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
        let text = format!("{:.1}", value * 100.0);
        format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
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
    fn depths_read_as_people_say_them() {
        let depth = DepthScale::new(16, 0.125);
        for text in ["2 kbps", "2kbps", "2K", "2000 bps", "16 layers", "16", " 16 ", "2,0 kbit/s"] {
            assert_eq!(depth.parse(text), Some(16.0), "{text}");
        }
        assert_eq!(depth.parse("0.5"), Some(4.0));
        assert_eq!(depth.parse("1 layer"), Some(1.0));
        assert_eq!(depth.snap(depth.parse("99").unwrap()), 16.0);
        assert_eq!(depth.snap(depth.parse("-3").unwrap()), 1.0);
        for text in ["", "kbps", "2 bananas", "1e3", "--2", "NaN", "inf"] {
            assert_eq!(depth.parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_value_survives_its_own_text() {
        let depth = DepthScale::new(32, 0.125);
        let gain = DecibelScale { low: -24.0, high: 24.0 };
        let mix = PercentScale { default: 1.0 };
        let quantities: [&dyn KnobScale; 3] = [&depth, &gain, &mix];
        for quantity in quantities {
            let (low, high) = quantity.range().into_inner();
            for n in 0..=1000 {
                let value = quantity.snap(low + (high - low) * f64::from(n) / 1000.0);
                let text = quantity.format(value);
                let back = quantity.snap(quantity.parse(&text).expect("text reads"));
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
