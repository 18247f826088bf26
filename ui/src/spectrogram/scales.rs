//! Scales beside a spectrogram: frequency at its left, level at its right.

use std::ops::RangeInclusive;

use egui::{Align2, Mesh, Painter, Rect, Stroke, StrokeKind, pos2};

use super::FrequencyAxis;
use crate::color_map::ColorMap;
use crate::text::minus;
use crate::theme::{self, Theme, size};

/// Frequencies with a line and a label.
const LABELS: [(f64, &str); 3] = [(100.0, "100"), (1000.0, "1k"), (10_000.0, "10k")];
/// Frequencies with a label where there is room.
const FINE_LABELS: [(f64, &str); 5] =
    [(50.0, "50"), (200.0, "200"), (500.0, "500"), (2000.0, "2k"), (5000.0, "5k")];

/// Draws grid lines over `pane`, which shows the frequencies of `range` (hertz), and labels in hertz
/// to its left. The painter must reach about 28 points beyond the pane.
pub fn frequency_scale(
    painter: &Painter,
    theme: &Theme,
    pane: Rect,
    axis: FrequencyAxis,
    range: &RangeInclusive<f64>,
) {
    frequency_grid(painter, theme, pane, axis, range);
    let mut taken: Vec<f32> = Vec::new();
    for (hertz, text) in LABELS.into_iter().chain(FINE_LABELS) {
        let at = y(pane, axis, range, hertz);
        let room = size::SMALL + 1.0;
        let inside = at - pane.top() > 5.0 && pane.bottom() - at > 5.0;
        if inside && taken.iter().all(|other| (other - at).abs() > room) {
            taken.push(at);
            let label = pos2(pane.left() - 4.0, at);
            painter.text(label, Align2::RIGHT_CENTER, text, theme::small(), theme.weak);
        }
    }
}

/// Draws only the grid lines of [`frequency_scale`].
pub fn frequency_grid(
    painter: &Painter,
    theme: &Theme,
    pane: Rect,
    axis: FrequencyAxis,
    range: &RangeInclusive<f64>,
) {
    let painter = painter.with_clip_rect(pane);
    let grid = Stroke::new(1.0, Theme::faded(theme.text, 0.16));
    for (hertz, _) in LABELS {
        painter.hline(pane.x_range(), y(pane, axis, range, hertz), grid);
    }
}

fn y(pane: Rect, axis: FrequencyAxis, range: &RangeInclusive<f64>, hertz: f64) -> f32 {
    pane.top() + pane.height() * axis.position(hertz, range) as f32
}

/// Draws the colors of the levels from `low` to `high` dBFS into `bar`, bottom to top, and labels in
/// dBFS to its right, which take about 24 points.
pub fn level_scale(
    painter: &Painter,
    theme: &Theme,
    map: &ColorMap,
    bar: Rect,
    low: f32,
    high: f32,
) {
    let mut mesh = Mesh::default();
    let steps = 32;
    for n in 0..=steps {
        let share = n as f32 / steps as f32;
        let y = bar.bottom() - bar.height() * share;
        let index = mesh.vertices.len() as u32;
        mesh.colored_vertex(pos2(bar.left(), y), map.at(share));
        mesh.colored_vertex(pos2(bar.right(), y), map.at(share));
        if n > 0 {
            mesh.add_triangle(index - 2, index - 1, index);
            mesh.add_triangle(index - 1, index, index + 1);
        }
    }
    painter.add(mesh);
    painter.rect_stroke(bar, 0, theme.outline(), StrokeKind::Outside);
    let span = (high - low).max(1.0);
    let step = if bar.height() * 20.0 / span > 32.0 { 20.0 } else { 50.0 };
    let mut level = (high / step).floor() * step;
    while level >= low {
        let y = bar.bottom() - bar.height() * (level - low) / span;
        let y = y.clamp(bar.top() + 5.0, bar.bottom() - 5.0);
        let text = minus(&format!("{level:.0}"));
        painter.text(
            pos2(bar.right() + 3.0, y),
            Align2::LEFT_CENTER,
            text,
            theme::small(),
            theme.weak,
        );
        level -= step;
    }
}
