//! Colors in the perceptual space Oklab (B. Ottosson, "A perceptual color space for image processing",
//! 2020).

use egui::Color32;

/// A color in Oklab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Oklab {
    /// Lightness, 0 black to 1 white.
    pub l: f32,
    /// Green to red.
    pub a: f32,
    /// Blue to yellow.
    pub b: f32,
}

impl Oklab {
    /// Creates a color from lightness, chroma, and hue in degrees.
    pub fn from_lch(l: f32, chroma: f32, hue: f32) -> Self {
        let (sin, cos) = hue.to_radians().sin_cos();
        Self { l, a: chroma * cos, b: chroma * sin }
    }

    /// Converts an sRGB color; opacity is ignored.
    #[cfg(test)]
    pub fn from_srgb(color: Color32) -> Self {
        let [r, g, b] = linear(color);
        let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
        Self {
            l: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            a: 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            b: 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        }
    }

    /// Converts to the nearest opaque sRGB color, clamping each channel.
    pub fn to_srgb(self) -> Color32 {
        let l = (self.l + 0.396_337_78 * self.a + 0.215_803_76 * self.b).powi(3);
        let m = (self.l - 0.105_561_346 * self.a - 0.063_854_17 * self.b).powi(3);
        let s = (self.l - 0.089_484_18 * self.a - 1.291_485_5 * self.b).powi(3);
        let r = 4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s;
        let g = -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s;
        let b = -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s;
        from_linear([r, g, b])
    }

    /// Interpolates linearly from this color (`t` = 0) to `other` (`t` = 1).
    pub fn mix(self, other: Self, t: f32) -> Self {
        let at = |from: f32, to: f32| from + (to - from) * t;
        Self { l: at(self.l, other.l), a: at(self.a, other.a), b: at(self.b, other.b) }
    }
}

/// Returns the linear light of a color's red, green and blue, 0 to 1 each.
#[cfg(test)]
pub(crate) fn linear(color: Color32) -> [f32; 3] {
    [color.r(), color.g(), color.b()].map(|channel| {
        let value = f32::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

/// Returns the opaque sRGB color nearest to linear light, clamping each channel.
pub(crate) fn from_linear(light: [f32; 3]) -> Color32 {
    let [r, g, b] = light.map(|light| {
        let light = light.clamp(0.0, 1.0);
        let value = if light <= 0.003_130_8 {
            12.92 * light
        } else {
            1.055 * light.powf(1.0 / 2.4) - 0.055
        };
        (value * 255.0).round() as u8
    });
    Color32::from_rgb(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_round_trip() {
        for rgb in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [12, 200, 90], [86, 180, 233]] {
            let color = Color32::from_rgb(rgb[0], rgb[1], rgb[2]);
            assert_eq!(Oklab::from_srgb(color).to_srgb(), color);
        }
    }

    #[test]
    fn white_is_light_and_has_no_hue() {
        let white = Oklab::from_srgb(Color32::WHITE);
        assert!((white.l - 1.0).abs() < 1e-3 && white.a.abs() < 1e-3 && white.b.abs() < 1e-3);
    }
}
