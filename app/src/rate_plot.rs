//! The plot of `residue compare`: distance from the original over bitrate, a curve a codec.

use egui::{
    Align2, Color32, ColorImage, Painter, Pos2, RawInput, Rect, Stroke, StrokeKind, pos2, vec2,
};
use residue_raster::Offscreen;
use residue_ui::depth_text::format_kbps;
use residue_ui::theme::{self, size};
use residue_ui::{Lane, Theme};

/// Pixels a point. Everything below is in points.
const SCALE: f32 = 2.0;
const WIDTH: f32 = 760.0;
const HEIGHT: f32 = 440.0;
/// The axes' rectangle: from the picture's edges.
const LEFT: f32 = 52.0;
const TOP: f32 = 62.0;
const RIGHT: f32 = 20.0;
const BOTTOM: f32 = 44.0;
/// Size of the title's letters.
const TITLE: f32 = 20.0;
/// Radius of a point.
const RADIUS: f32 = 3.5;
/// The most lines that the axis of distances has.
const MOST_LINES: f64 = 6.0;

/// A codec at its bitrates.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// The codec's name.
    pub name: String,
    /// Bitrate in kbps and mel distance of each, by bitrate.
    pub points: Vec<(f64, f64)>,
}

/// The axes: bitrates on a logarithmic scale, distances from 0.
struct PlotAxes {
    rect: Rect,
    /// Kbps.
    from: f64,
    to: f64,
    /// The highest distance, and the step of lines.
    most: f64,
    step: f64,
}

/// Draws the curves. Those beyond the sixth get colors again.
pub fn draw(title: &str, curves: &[RateCurve]) -> ColorImage {
    let mut offscreen = Offscreen::new(vec2(WIDTH, HEIGHT), SCALE);
    let ctx = offscreen.context().clone();
    Theme::install(&ctx);
    ctx.set_theme(egui::Theme::Dark);
    let axes = PlotAxes::of(curves);
    offscreen.frame(RawInput::default(), |ui| {
        let (painter, theme) = (ui.painter(), &Theme::DARK);
        painter.rect_filled(ui.max_rect(), 0, theme.background);
        painter.rect_filled(axes.rect, 0, theme.well);
        let title = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let font = egui::FontId::proportional(TITLE);
        painter.text(pos2(LEFT, 10.0), Align2::LEFT_TOP, title, font, theme.text);
        axes.grid(painter, theme);
        let mut legend = pos2(LEFT, 49.0);
        for (n, curve) in curves.iter().enumerate() {
            let color = color(theme, n);
            axes.curve(painter, curve, color);
            painter.circle_filled(legend + vec2(4.0, 0.0), RADIUS, color);
            let font = egui::FontId::proportional(size::BODY);
            let at = legend + vec2(12.0, 0.0);
            let name = curve.name.chars().take(40).collect::<String>();
            let text = painter.text(at, Align2::LEFT_CENTER, name, font, theme.text);
            legend.x = text.right() + 18.0;
        }
        painter.rect_stroke(axes.rect, 0, theme.outline(), StrokeKind::Outside);
    })
}

/// Returns the color of a curve: those of the lanes first.
fn color(theme: &Theme, n: usize) -> Color32 {
    let more = [Color32::from_rgb(0x3f, 0xb9, 0x8f), Color32::from_rgb(0xb0, 0x8a, 0xe8)];
    match n % 6 {
        0 => theme.lane(Lane::A),
        1 => theme.lane(Lane::B),
        2 => theme.lane(Lane::Difference),
        3 => theme.lane(Lane::Dry),
        n => more[n - 4],
    }
}

impl PlotAxes {
    /// Returns axes around all points.
    fn of(curves: &[RateCurve]) -> Self {
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let low = points().map(|p| p.0).fold(f64::INFINITY, f64::min);
        let high = points().map(|p| p.0).fold(0.0, f64::max);
        let (low, high) = if low <= high && low > 0.0 { (low, high) } else { (1.0, 10.0) };
        let most = points().map(|p| p.1).fold(0.0, f64::max).max(1e-3);
        let step = step_of(most / MOST_LINES);
        Self {
            rect: Rect::from_min_max(pos2(LEFT, TOP), pos2(WIDTH - RIGHT, HEIGHT - BOTTOM)),
            from: low / 1.25,
            to: high * 1.25,
            most: (most / step).ceil() * step,
            step,
        }
    }

    fn at(&self, (kbps, distance): (f64, f64)) -> Pos2 {
        let across = (kbps / self.from).ln() / (self.to / self.from).ln();
        let up = distance / self.most;
        let rect = self.rect;
        pos2(rect.left() + rect.width() * across as f32, rect.bottom() - rect.height() * up as f32)
    }

    fn grid(&self, painter: &Painter, theme: &Theme) {
        let line = Stroke::new(1.0, Theme::faded(theme.line, 0.6));
        let text = |at: Pos2, align: Align2, words: String| {
            painter.text(at, align, words, theme::small(), theme.weak);
        };
        for n in 0..=(self.most / self.step).round() as usize {
            let distance = n as f64 * self.step;
            let y = self.at((self.from, distance)).y;
            painter.hline(self.rect.x_range(), y, line);
            let words = format!("{distance:.2}");
            let words = words.trim_end_matches('0').trim_end_matches('.').to_owned();
            text(pos2(LEFT - 6.0, y), Align2::RIGHT_CENTER, words);
        }
        // 1, 2 and 5 of each power of ten.
        for power in -3..4 {
            for digit in [1.0, 2.0, 5.0] {
                let kbps = digit * 10.0f64.powi(power);
                if (self.from..=self.to).contains(&kbps) {
                    let x = self.at((kbps, 0.0)).x;
                    painter.vline(x, self.rect.y_range(), line);
                    let words = format_kbps(kbps);
                    let below = pos2(x, self.rect.bottom() + 5.0);
                    text(below, Align2::CENTER_TOP, words.trim_end_matches(" kbps").to_owned());
                }
            }
        }
        let below = pos2(self.rect.center().x, HEIGHT - 8.0);
        text(below, Align2::CENTER_BOTTOM, "bitrate in kbps".into());
        let words = "mel distance from the original: the lower, the closer";
        text(self.rect.right_top() + vec2(-8.0, 8.0), Align2::RIGHT_TOP, words.into());
    }

    fn curve(&self, painter: &Painter, curve: &RateCurve, color: Color32) {
        let points: Vec<Pos2> = curve.points.iter().map(|point| self.at(*point)).collect();
        for point in &points {
            painter.circle_filled(*point, RADIUS, color);
        }
        painter.line(points, Stroke::new(2.0, color));
    }
}

/// Returns the next of 1, 2 or 5 times a power of ten.
fn step_of(least: f64) -> f64 {
    let power = 10.0f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    steps.into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, points: &[(f64, f64)]) -> RateCurve {
        RateCurve { name: name.to_owned(), points: points.to_vec() }
    }

    #[test]
    fn points_are_drawn_in_their_colors_where_they_belong() {
        let curves =
            [curve("nano", &[(0.5, 3.0), (2.0, 1.5)]), curve("opus", &[(6.0, 2.0), (24.0, 0.7)])];
        let image = draw("clip.wav", &curves);
        assert_eq!(image.size, [WIDTH, HEIGHT].map(|points| (points * SCALE) as usize));
        let axes = PlotAxes::of(&curves);
        for (n, curve) in curves.iter().enumerate() {
            for point in &curve.points {
                let at = axes.at(*point);
                assert!(axes.rect.contains(at));
                let pixel = image[((at.x * SCALE) as usize, (at.y * SCALE) as usize)];
                assert_eq!(pixel, color(&Theme::DARK, n), "{point:?}");
            }
        }
        // A higher bitrate is further right, a smaller distance further down.
        assert!(axes.at((24.0, 0.7)).x > axes.at((6.0, 2.0)).x);
        assert!(axes.at((24.0, 0.7)).y > axes.at((6.0, 2.0)).y);
    }

    #[test]
    fn odd_curves_are_drawn_too() {
        let long = "a long name ".repeat(30);
        for curves in [
            vec![],
            vec![curve("one", &[(64.0, 0.0)])],
            (0..16).map(|n| curve(&long, &[(f64::from(n) + 0.125, 1.0)])).collect(),
        ] {
            assert_eq!(draw(&long, &curves).size[0], (WIDTH * SCALE) as usize);
        }
    }

    #[test]
    fn steps_are_round() {
        for (least, expected) in [(0.3, 0.5), (0.02, 0.02), (1.7, 2.0), (6.0, 10.0)] {
            assert!((step_of(least) - expected).abs() < 1e-9, "{least}: {}", step_of(least));
        }
    }
}
