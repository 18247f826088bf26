//! Colors, fonts and spacing, dark and light.
//!
//! Color has one meaning only: the lane that something belongs to. Everything else is gray, and alerts
//! are worded as well as colored.

use egui::{Color32, Context, CornerRadius, FontFamily, FontId, Stroke, TextStyle, Ui, Visuals};

/// A lane, for its color and its place on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The delayed input.
    Dry,
    /// The codec at the first depth.
    A,
    /// The codec at the second depth.
    B,
    /// The difference of two lanes.
    Difference,
}

impl Lane {
    /// All lanes, in the order in which they are drawn.
    pub const ALL: [Self; 4] = [Self::Dry, Self::A, Self::B, Self::Difference];
}

/// Sizes in points.
pub mod size {
    /// Axis labels and captions.
    pub const SMALL: f32 = 10.0;
    /// Text of controls.
    pub const BODY: f32 = 12.5;
    /// Values that are read from a distance.
    pub const VALUE: f32 = 15.0;
    /// Space between related elements.
    pub const GAP: f32 = 4.0;
    /// Space between unrelated elements.
    pub const SPACE: f32 = 10.0;
    /// Corner radius.
    pub const RADIUS: u8 = 3;
}

/// Returns the font of size [`size::SMALL`].
pub fn small() -> FontId {
    FontId::proportional(size::SMALL)
}

/// Returns the font of size [`size::BODY`].
pub fn body() -> FontId {
    FontId::proportional(size::BODY)
}

/// Returns the font of size [`size::VALUE`].
pub fn value() -> FontId {
    FontId::proportional(size::VALUE)
}

/// The colors of the dark or the light theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Whether text is light on dark.
    pub dark: bool,
    /// Background of the window.
    pub background: Color32,
    /// Background of controls and of the empty part of bars.
    pub surface: Color32,
    /// Background of plots.
    pub well: Color32,
    /// Outlines and grid lines.
    pub line: Color32,
    /// Primary text.
    pub text: Color32,
    /// Secondary text: captions and units.
    pub weak: Color32,
    /// Alerts: clipping, lost audio.
    pub alert: Color32,
    /// Accents, by [`Lane`].
    lanes: [Color32; 4],
}

impl Theme {
    /// The dark theme.
    pub const DARK: Self = Self {
        dark: true,
        background: Color32::from_rgb(0x17, 0x1a, 0x1e),
        surface: Color32::from_rgb(0x25, 0x2a, 0x30),
        well: Color32::from_rgb(0x0d, 0x0f, 0x12),
        line: Color32::from_rgb(0x3a, 0x41, 0x49),
        text: Color32::from_rgb(0xdf, 0xe4, 0xe9),
        weak: Color32::from_rgb(0x95, 0x9f, 0xaa),
        alert: Color32::from_rgb(0xff, 0x5d, 0x55),
        lanes: [
            Color32::from_rgb(0xc9, 0xd0, 0xd7),
            Color32::from_rgb(0x4f, 0xa9, 0xe6),
            Color32::from_rgb(0xe9, 0xa6, 0x1c),
            Color32::from_rgb(0xd3, 0x6f, 0xa6),
        ],
    };

    /// The light theme.
    pub const LIGHT: Self = Self {
        dark: false,
        background: Color32::from_rgb(0xf3, 0xf4, 0xf6),
        surface: Color32::from_rgb(0xdf, 0xe2, 0xe6),
        well: Color32::from_rgb(0xfd, 0xfd, 0xfe),
        line: Color32::from_rgb(0xb9, 0xbf, 0xc6),
        text: Color32::from_rgb(0x1e, 0x23, 0x29),
        weak: Color32::from_rgb(0x5a, 0x63, 0x6d),
        alert: Color32::from_rgb(0xc4, 0x1e, 0x1a),
        lanes: [
            Color32::from_rgb(0x3d, 0x45, 0x4e),
            Color32::from_rgb(0x0a, 0x6f, 0xb8),
            Color32::from_rgb(0xaa, 0x6c, 0x00),
            Color32::from_rgb(0xa8, 0x35, 0x7a),
        ],
    };

    /// Returns the theme of `ui`.
    pub fn of(ui: &Ui) -> Self {
        if ui.visuals().dark_mode { Self::DARK } else { Self::LIGHT }
    }

    /// Returns the accent of a lane.
    pub fn lane(&self, lane: Lane) -> Color32 {
        self.lanes[lane as usize]
    }

    /// Returns the stroke of thin outlines.
    pub fn outline(&self) -> Stroke {
        Stroke::new(1.0, self.line)
    }

    /// Returns `color` with its opacity scaled.
    pub fn faded(color: Color32, opacity: f32) -> Color32 {
        color.gamma_multiply(opacity)
    }

    /// Returns the visuals of egui's own widgets in these colors.
    fn visuals(&self) -> Visuals {
        let mut visuals = if self.dark { Visuals::dark() } else { Visuals::light() };
        let radius = CornerRadius::same(size::RADIUS);
        visuals.panel_fill = self.background;
        visuals.window_fill = self.background;
        visuals.window_stroke = self.outline();
        visuals.extreme_bg_color = self.well;
        visuals.faint_bg_color = self.surface;
        visuals.hyperlink_color = self.lane(Lane::A);
        visuals.warn_fg_color = self.alert;
        visuals.error_fg_color = self.alert;
        visuals.weak_text_color = Some(self.weak);
        visuals.selection.bg_fill = Self::faded(self.lane(Lane::A), 0.45);
        visuals.selection.stroke = Stroke::new(1.0, self.text);
        let widgets = &mut visuals.widgets;
        widgets.noninteractive.bg_fill = self.background;
        widgets.noninteractive.bg_stroke = self.outline();
        widgets.noninteractive.fg_stroke = Stroke::new(1.0, self.text);
        for widget in [
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
            &mut widgets.open,
            &mut widgets.noninteractive,
        ] {
            widget.corner_radius = radius;
        }
        widgets.inactive.bg_fill = self.surface;
        widgets.inactive.weak_bg_fill = self.surface;
        widgets.inactive.fg_stroke = Stroke::new(1.0, self.text);
        widgets.hovered.bg_stroke = Stroke::new(1.0, self.weak);
        widgets.hovered.fg_stroke = Stroke::new(1.0, self.text);
        widgets.active.bg_stroke = Stroke::new(1.0, self.text);
        widgets.active.fg_stroke = Stroke::new(1.0, self.text);
        visuals
    }

    /// Installs both themes, the fonts and the spacing in a context. egui's theme preference chooses between
    /// the themes. To be called once, when a window opens.
    pub fn install(ctx: &Context) {
        for (which, theme) in [(egui::Theme::Dark, Self::DARK), (egui::Theme::Light, Self::LIGHT)] {
            ctx.set_visuals_of(which, theme.visuals());
        }
        ctx.all_styles_mut(|style| {
            style.spacing.item_spacing = egui::vec2(size::SPACE, size::GAP + 2.0);
            style.text_styles = [
                (TextStyle::Small, small()),
                (TextStyle::Body, body()),
                (TextStyle::Button, body()),
                (TextStyle::Heading, value()),
                (TextStyle::Monospace, FontId::new(size::BODY, FontFamily::Monospace)),
            ]
            .into();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{Oklab, from_linear, linear};

    /// WCAG 2 contrast ratio.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |color| {
            let [r, g, b] = linear(color);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_lanes_have_enough_contrast() {
        for theme in [Theme::DARK, Theme::LIGHT] {
            for ground in [theme.background, theme.surface, theme.well] {
                assert!(contrast(theme.text, ground) >= 7.0);
                assert!(contrast(theme.weak, ground) >= 4.5, "{}", contrast(theme.weak, ground));
                assert!(contrast(theme.alert, ground) >= 4.5, "{}", contrast(theme.alert, ground));
                for lane in Lane::ALL {
                    let ratio = contrast(theme.lane(lane), ground);
                    assert!(ratio >= 3.0, "{lane:?}: {ratio}");
                }
            }
        }
    }

    /// Simulates the appearance of a color to people who lack one kind of cone (Machado, Oliveira and Fernandes, "A
    /// physiologically-based model for simulation of color vision deficiency", 2009, severity 1).
    fn seen(color: Color32, matrix: &[[f32; 3]; 3]) -> Oklab {
        let light = linear(color);
        let row = |row: &[f32; 3]| row.iter().zip(light).map(|(m, c)| m * c).sum::<f32>();
        Oklab::from_srgb(from_linear([row(&matrix[0]), row(&matrix[1]), row(&matrix[2])]))
    }

    #[test]
    fn lanes_differ_for_every_kind_of_color_vision() {
        let matrices = [
            ("full", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            (
                "protanopia",
                [
                    [0.152_286, 1.052_583, -0.204_868],
                    [0.114_503, 0.786_281, 0.099_216],
                    [-0.003_882, -0.048_116, 1.051_998],
                ],
            ),
            (
                "deuteranopia",
                [
                    [0.367_322, 0.860_646, -0.227_968],
                    [0.280_085, 0.672_501, 0.047_413],
                    [-0.011_820, 0.042_940, 0.968_881],
                ],
            ),
            (
                "tritanopia",
                [
                    [1.255_528, -0.076_749, -0.178_779],
                    [-0.078_411, 0.930_809, 0.147_602],
                    [0.004_733, 0.691_367, 0.303_900],
                ],
            ),
        ];
        for theme in [Theme::DARK, Theme::LIGHT] {
            for (vision, matrix) in &matrices {
                for (n, a) in Lane::ALL.into_iter().enumerate() {
                    for b in Lane::ALL.into_iter().skip(n + 1) {
                        let (x, y) = (seen(theme.lane(a), matrix), seen(theme.lane(b), matrix));
                        let distance =
                            ((x.l - y.l).powi(2) + (x.a - y.a).powi(2) + (x.b - y.b).powi(2))
                                .sqrt();
                        assert!(distance > 0.07, "{vision}, {a:?} and {b:?}: {distance}");
                    }
                }
            }
        }
    }
}
