//! Colours: the theme, and the scale that levels are shown in.

/// An sRGB colour.
pub(super) type Colour = [u8; 3];

/// Behind everything.
pub(super) const BACKGROUND: Colour = [13, 15, 20];
/// Titles and labels of rows.
pub(super) const TEXT: Colour = [236, 238, 243];
/// Numbers, axis labels.
pub(super) const QUIET_TEXT: Colour = [157, 165, 180];
/// Ticks.
pub(super) const TICK: Colour = [108, 116, 132];
/// Grid lines, over the panels.
pub(super) const GRID: Colour = [255, 255, 255];
/// How much of [`GRID`] shows: just enough to carry the eye along on the dark difference panels.
pub(super) const GRID_OPACITY: f32 = 0.022;

/// Lightness, chroma and hue (degrees) in Oklab's polar form, at equal steps of level: from almost
/// the background through violet, rose and amber to a pale yellow. Lightness rises in equal steps,
/// so equal differences in level look equal, in greyscale and to the colour-blind too.
const STOPS: [[f64; 3]; 6] = [
    [0.15, 0.020, 275.0],
    [0.31, 0.130, 290.0],
    [0.47, 0.185, 335.0],
    [0.63, 0.190, 385.0],
    [0.79, 0.150, 425.0],
    [0.95, 0.095, 465.0],
];

/// Steps of the scale: as many as eyes tell apart; fewer colours make smaller files.
const STEPS: usize = 256;

/// Colours for levels from `floor` to `ceiling` dBFS.
pub(super) struct Scale {
    colours: Vec<Colour>,
    floor: f32,
    ceiling: f32,
}

impl Scale {
    /// A scale over `floor..ceiling`, in dBFS.
    pub(super) fn new(floor: f32, ceiling: f32) -> Self {
        let colours = (0..STEPS).map(|step| at(step as f64 / (STEPS - 1) as f64)).collect();
        Self { colours, floor, ceiling }
    }

    /// Lowest and highest level in dBFS.
    pub(super) fn range(&self) -> (f32, f32) {
        (self.floor, self.ceiling)
    }

    /// The colour of `level` dBFS; beyond the ends, and for NaN, the colour of the nearer end.
    pub(super) fn colour(&self, level: f32) -> Colour {
        let part = ((level - self.floor) / (self.ceiling - self.floor)).clamp(0.0, 1.0);
        // A NaN becomes 0 in this cast.
        self.colours[(part * (STEPS - 1) as f32).round() as usize]
    }
}

/// The colour at `part` (0..=1) of the scale.
fn at(part: f64) -> Colour {
    let position = part * (STOPS.len() - 1) as f64;
    let below = (position as usize).min(STOPS.len() - 2);
    let mix = position - below as f64;
    let [lightness, chroma, hue] =
        std::array::from_fn(|i| STOPS[below][i] + (STOPS[below + 1][i] - STOPS[below][i]) * mix);
    oklab(lightness, chroma * hue.to_radians().cos(), chroma * hue.to_radians().sin())
}

/// Oklab to sRGB, clipped to what a screen shows.
fn oklab(lightness: f64, a: f64, b: f64) -> Colour {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
    .map(|linear| {
        let linear = linear.clamp(0.0, 1.0);
        let encoded = if linear <= 0.003_130_8 {
            12.92 * linear
        } else {
            1.055 * linear.powf(1.0 / 2.4) - 0.055
        };
        (encoded * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance to CIE L*, from sRGB.
    fn lightness(colour: Colour) -> f64 {
        let [r, g, b] = colour.map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        if y <= 0.008_856 { 903.3 * y } else { 116.0 * y.cbrt() - 16.0 }
    }

    #[test]
    fn equal_steps_of_level_are_equal_steps_of_lightness() {
        let scale = Scale::new(-80.0, 0.0);
        let tenths: Vec<f64> =
            (0..=10).map(|i| lightness(scale.colour(-80.0 + 8.0 * i as f32))).collect();
        for pair in tenths.windows(2) {
            let step = pair[1] - pair[0];
            assert!((5.5..13.5).contains(&step), "{tenths:?}");
        }
    }

    #[test]
    fn levels_beyond_the_scale_take_its_ends() {
        let scale = Scale::new(-80.0, 0.0);
        for low in [f32::NEG_INFINITY, f32::NAN, -80.0] {
            assert_eq!(scale.colour(low), at(0.0));
        }
        for high in [f32::INFINITY, 0.0, 6.0] {
            assert_eq!(scale.colour(high), at(1.0));
        }
    }
}
