//! Colors of levels and of codes.

use egui::Color32;

use crate::color::Oklab;
use crate::theme::Theme;

/// Colors between the lowest and the highest level.
const STEPS: usize = 256;

/// A color map of levels with monotonic lightness, which reads the same for every kind of color vision and
/// in print.
pub struct ColorMap([Color32; STEPS]);

impl ColorMap {
    /// Creates the color map of a theme, from its well color (silence) to the strongest contrast.
    pub fn of(theme: &Theme) -> Self {
        // Lightness, chroma, hue; the hue changes so that differences of level are easier to see.
        let stops: [(f32, f32, f32); 5] = if theme.dark {
            [
                (0.17, 0.01, 265.0),
                (0.33, 0.10, 285.0),
                (0.52, 0.15, 330.0),
                (0.74, 0.14, 45.0),
                (0.97, 0.05, 100.0),
            ]
        } else {
            [
                (0.985, 0.003, 265.0),
                (0.84, 0.06, 220.0),
                (0.64, 0.10, 250.0),
                (0.43, 0.13, 285.0),
                (0.17, 0.07, 320.0),
            ]
        };
        let stops = stops.map(|(l, chroma, hue)| Oklab::from_lch(l, chroma, hue));
        Self(std::array::from_fn(|n| {
            let at = n as f32 / (STEPS - 1) as f32 * (stops.len() - 1) as f32;
            let stop = (at as usize).min(stops.len() - 2);
            stops[stop].mix(stops[stop + 1], at - stop as f32).to_srgb()
        }))
    }

    /// Returns the color at `share`, 0 to 1, clamped.
    pub fn at(&self, share: f32) -> Color32 {
        self.0[(share * (STEPS - 1) as f32).round().clamp(0.0, (STEPS - 1) as f32) as usize]
    }
}

/// Returns the color of a code. Codes have no order, so that neighboring codes get different colors.
pub(crate) fn code_color(code: u32, theme: &Theme) -> Color32 {
    // Knuth's multiplicative hash spreads neighboring codes.
    let hash = code.wrapping_add(1).wrapping_mul(2_654_435_769);
    let part = |shift: u32, values: u32| ((hash >> shift) % values) as f32;
    let hue = part(20, 24) * 15.0;
    let (low, high) = if theme.dark { (0.36, 0.74) } else { (0.52, 0.88) };
    let lightness = low + (high - low) * part(11, 7) / 6.0;
    Oklab::from_lch(lightness, 0.065, hue).to_srgb()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn louder_always_stands_out_more() {
        for theme in [Theme::DARK, Theme::LIGHT] {
            let map = ColorMap::of(&theme);
            let lightness: Vec<f32> =
                (0..=32).map(|n| Oklab::from_srgb(map.at(n as f32 / 32.0)).l).collect();
            let ordered = if theme.dark {
                lightness.windows(2).all(|pair| pair[0] < pair[1])
            } else {
                lightness.windows(2).all(|pair| pair[0] > pair[1])
            };
            assert!(ordered, "{lightness:?}");
            assert_eq!(map.at(-1.0), map.at(0.0));
            assert_eq!(map.at(f32::NAN), map.at(0.0));
            assert_eq!(map.at(2.0), map.at(1.0));
        }
    }

    #[test]
    fn neighboring_codes_look_different() {
        for theme in [Theme::DARK, Theme::LIGHT] {
            let alike = (0..1023)
                .filter(|code| code_color(*code, &theme) == code_color(code + 1, &theme))
                .count();
            assert_eq!(alike, 0);
            let mut colors: Vec<_> =
                (0..1024).map(|code| code_color(code, &theme).to_array()).collect();
            colors.sort_unstable();
            colors.dedup();
            assert!(colors.len() > 100, "{}", colors.len());
        }
    }
}
