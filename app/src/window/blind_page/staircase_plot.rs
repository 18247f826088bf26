//! The way of a threshold test.

use egui::{Align2, Pos2, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use residue_engine::blind::{StaircaseResult, Threshold};
use residue_ui::Theme;
use residue_ui::theme::{self, size};

/// Height in points.
const HEIGHT: f32 = 150.0;

/// The depth of each trial, on a scale of octaves: filled where the answer was right, a ring where it
/// was wrong; a line at the threshold.
pub(super) fn staircase_plot(ui: &mut Ui, result: &StaircaseResult) {
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let theme = Theme::of(ui);
    let painter = ui.painter();
    painter.rect_filled(rect, size::RADIUS, theme.well);
    let plot = rect.shrink2(vec2(34.0, 14.0));
    let deepest = result.trials.iter().map(|(depth, _)| *depth).max().unwrap_or(1).max(2) as f32;
    let y = |depth: f32| plot.bottom() - plot.height() * depth.log2() / deepest.log2();
    let mut tick = 1.0;
    while tick <= deepest {
        let at = y(tick);
        let line = Stroke::new(1.0, Theme::faded(theme.line, 0.5));
        painter.line_segment([pos2(plot.left(), at), pos2(plot.right(), at)], line);
        let left = pos2(plot.left() - 8.0, at);
        painter.text(left, Align2::RIGHT_CENTER, tick.to_string(), theme::small(), theme.weak);
        tick *= 2.0;
    }
    if let Threshold::Depth(depth) = result.threshold {
        let at = y(depth as f32);
        let line = Stroke::new(1.5, theme.text);
        painter.line_segment([pos2(plot.left(), at), pos2(plot.right(), at)], line);
    }
    let step = plot.width() / (result.trials.len().max(2) - 1) as f32;
    let point = |(n, (depth, _)): (usize, &(usize, bool))| {
        pos2(plot.left() + step * n as f32, y(*depth as f32))
    };
    let points: Vec<Pos2> = result.trials.iter().enumerate().map(point).collect();
    painter.line(points.clone(), Stroke::new(1.0, theme.weak));
    for (at, (_, right)) in points.iter().zip(&result.trials) {
        if *right {
            painter.circle_filled(*at, 3.5, theme.text);
        } else {
            painter.circle(*at, 3.5, theme.well, Stroke::new(1.5, theme.alert));
        }
    }
    response.widget_info(|| {
        let name = format!("Depths of {} trials", result.trials.len());
        WidgetInfo::labeled(egui::accesskit::Role::Image, true, name)
    });
}
