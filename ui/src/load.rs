//! The codec's load, late and lost audio, and the parts of the latency.

use std::collections::VecDeque;

use egui::accesskit::Role;
use egui::{Align, Align2, Layout, Rect, Response, RichText, Sense, Shape, Stroke, Ui, WidgetInfo};
use egui::{pos2, vec2};
use residue_engine::live::{GuardCounts, Latency, PortHealth, PortStatus};

use crate::text::{minus, thousands};
use crate::theme::{self, Theme, size};

/// Interval between points of the history, in seconds.
const INTERVAL: f32 = 0.25;
/// Points of the history: a minute.
const POINTS: usize = 240;
/// Load at the right end of the bar; 1 is real time.
const FULL: f32 = 1.25;

/// Load and late frames over the last minute.
#[derive(Clone, Debug, Default)]
pub struct LoadHistory {
    points: VecDeque<Point>,
    current: Point,
    elapsed: f32,
    /// Late frames in the last status.
    late: Option<u64>,
}

/// A quarter of a second of the history.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    load: f32,
    late: bool,
}

impl LoadHistory {
    /// Adds a status that was read `seconds` after the last one.
    pub fn update(&mut self, status: &PortStatus, seconds: f32) {
        // A status that was read twice within a codec frame has no peak of its own.
        self.current.load = self.current.load.max(status.peak_load).max(status.load);
        // A lower count is that of another port.
        self.current.late |= self.late.is_some_and(|late| status.late_frames > late);
        self.late = Some(status.late_frames);
        self.elapsed += seconds.max(0.0);
        if self.elapsed >= INTERVAL {
            // A long pause between updates adds one point, not a minute of them.
            self.elapsed = (self.elapsed - INTERVAL).min(INTERVAL);
            if self.points.len() == POINTS {
                self.points.pop_front();
            }
            self.points.push_back(std::mem::take(&mut self.current));
        }
    }

    /// Returns the highest load in the history.
    pub fn peak(&self) -> f32 {
        self.points().fold(self.current.load, f32::max)
    }

    /// Returns the highest load of each quarter of a second, oldest first; 240 at most.
    pub fn points(&self) -> impl ExactSizeIterator<Item = f32> {
        self.points.iter().map(|point| point.load)
    }

    /// Returns whether a frame was late in each quarter of a second, oldest first; 240 at most.
    pub fn late(&self) -> impl ExactSizeIterator<Item = bool> {
        self.points.iter().map(|point| point.late)
    }
}

/// Draws current and peak load, its history, the margin before a frame is late at the host's `rate` in Hz,
/// and the counters of late, dropped and non-finite audio.
pub fn load(ui: &mut Ui, status: &PortStatus, history: &LoadHistory, rate: u32) -> Response {
    let theme = Theme::of(ui);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = size::GAP;
        ui.spacing_mut().interact_size.y = size::BODY + 2.0;
        let peak = history.peak();
        let ink = |load: f32| if load > 1.0 { theme.alert } else { theme.text };
        row(ui, &theme, "Load", |ui| {
            ui.label(RichText::new(percent(peak)).color(ink(peak)));
            ui.label(RichText::new("peak in a minute").color(theme.weak).size(size::SMALL));
            ui.label(RichText::new(percent(status.load)).color(ink(status.load)));
        });
        let width = ui.available_width();
        let (bar, response) = ui.allocate_exact_size(vec2(width, 8.0), Sense::hover());
        let (graph, _) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
        if ui.is_rect_visible(bar.union(graph)) {
            paint_bar(ui, &theme, bar, status.load, peak);
            paint_history(ui, &theme, graph, history);
        }
        row(ui, &theme, "Margin", |ui| match margin(status, rate) {
            Some(ms) => {
                let color = if ms < 0.0 { theme.alert } else { theme.text };
                ui.label(RichText::new(minus(&format!("{ms:.1} ms"))).color(color));
            }
            None => {
                ui.label(RichText::new("no model").color(theme.alert));
            }
        })
        .on_hover_text("decoded audio that has not been played yet");
        let heard = status.late_frames as f64 / status.frames.max(1) as f64;
        counter(ui, &theme, "Late frames", status.late_frames, || {
            format!("{:.2} % of {}", heard * 100.0, thousands(status.frames))
        });
        counter(ui, &theme, "Dropped samples", status.dropped_samples, String::new);
        let [input, model] = status.non_finite;
        counter(ui, &theme, "Not finite", input + model, || {
            format!("{input} in, {model} from the model")
        });
        let guarded = status.guarded;
        if guarded != GuardCounts::default() {
            counter(ui, &theme, "Too loud", guarded.limited + guarded.muted, || {
                format!("{} limited, {} muted", guarded.limited, guarded.muted)
            })
        }
        response.widget_info(|| {
            let label = format!(
                "Load {}, peak {}, {} late frames, {} dropped samples, {} samples not finite",
                percent(status.load),
                percent(peak),
                status.late_frames,
                status.dropped_samples,
                input + model,
            );
            WidgetInfo::labeled(Role::Meter, true, label)
        });
        response
    })
    .inner
}

/// A part of a latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyPart<'a> {
    /// Name.
    pub name: &'a str,
    /// Duration in milliseconds.
    pub ms: f64,
    /// Explanation.
    pub meaning: &'a str,
}

/// Draws the latency by its parts, in milliseconds and samples at the host's `rate` in Hz.
pub fn latency(ui: &mut Ui, latency: &Latency, rate: u32) -> Response {
    let part = |name, samples: usize, meaning| {
        let ms = samples as f64 * 1000.0 / f64::from(rate.max(1));
        (LatencyPart { name, ms, meaning }, Some(samples))
    };
    let parts = [
        part("Frame", latency.frame, "the codec needs a whole frame before it can encode it"),
        part("Resampling", latency.resampling, "lookahead of the sample-rate converters"),
        part(
            "Allowance",
            latency.allowance,
            "time for the codec's processing and the host's blocks",
        ),
    ];
    bar_of(ui, "Latency", &parts)
}

/// Draws a latency by parts of any kind, in milliseconds; up to five have different shades.
pub fn latency_parts(ui: &mut Ui, title: &str, parts: &[LatencyPart<'_>]) -> Response {
    let parts: Vec<_> = parts.iter().map(|part| (*part, None)).collect();
    bar_of(ui, title, &parts)
}

/// Draws the sum, a bar of the parts, and a row for each, with its samples where they are known.
fn bar_of(ui: &mut Ui, title: &str, parts: &[(LatencyPart<'_>, Option<usize>)]) -> Response {
    let theme = Theme::of(ui);
    let shades = [1.0, 0.62, 0.4, 0.26, 0.16].map(|share| Theme::faded(theme.text, share));
    let shade = |n: usize| shades[n.min(shades.len() - 1)];
    let total: f64 = parts.iter().map(|(part, _)| part.ms).sum();
    let samples: Option<usize> = parts.iter().map(|(_, samples)| *samples).sum();
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = size::GAP;
        ui.spacing_mut().interact_size.y = size::BODY + 2.0;
        let value = |ui: &mut Ui, ms: f64, samples: Option<usize>| {
            if let Some(samples) = samples {
                let samples = format!("{} smp", thousands(samples as u64));
                fixed(ui, &theme, 66.0, &samples, theme.weak);
            }
            fixed(ui, &theme, 58.0, &format!("{ms:.1} ms"), theme.text);
        };
        row(ui, &theme, title, |ui| value(ui, total, samples));
        let width = ui.available_width();
        let (bar, response) = ui.allocate_exact_size(vec2(width, 8.0), Sense::hover());
        let mut left = bar.left();
        for (n, (part, _)) in parts.iter().enumerate() {
            let right = left + bar.width() * (part.ms / total.max(1e-9)) as f32;
            let rect = Rect::from_min_max(pos2(left, bar.top()), pos2(right, bar.bottom()));
            ui.painter().rect_filled(rect, 0, shade(n));
            left = right;
        }
        for (n, (part, samples)) in parts.iter().enumerate() {
            let row = ui.horizontal(|ui| {
                let (chip, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
                ui.painter().rect_filled(chip, 1, shade(n));
                ui.spacing_mut().item_spacing.x = size::GAP;
                ui.label(RichText::new(part.name).color(theme.weak));
                let right = Layout::right_to_left(Align::Center);
                ui.with_layout(right, |ui| value(ui, part.ms, *samples));
            });
            row.response.on_hover_text(part.meaning);
        }
        response.widget_info(|| {
            let in_samples = samples.map(|n| format!(", {n} samples")).unwrap_or_default();
            let parts: Vec<String> =
                parts.iter().map(|(part, _)| format!("{} {:.1} ms", part.name, part.ms)).collect();
            let label = format!("{title} {total:.1} ms{in_samples}: {}", parts.join(", "));
            WidgetInfo::labeled(Role::Label, true, label)
        });
        response
    })
    .inner
}

/// Draws a caption at the left and further widgets from the right.
fn row(ui: &mut Ui, theme: &Theme, caption: &str, add: impl FnOnce(&mut Ui)) -> Response {
    let row = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = size::GAP;
        ui.label(RichText::new(caption).color(theme.weak));
        ui.with_layout(Layout::right_to_left(Align::Center), add);
    });
    row.response
}

/// Returns the milliseconds of decoded audio that has not been played; negative where it is late, `None`
/// where no model runs.
fn margin(status: &PortStatus, rate: u32) -> Option<f64> {
    let samples = status.delivered as f64 - status.playing as f64;
    (status.health == PortHealth::Running).then(|| samples * 1000.0 / f64::from(rate.max(1)))
}

/// Draws a right-aligned number in a column of fixed width.
fn fixed(ui: &mut Ui, theme: &Theme, width: f32, text: &str, color: egui::Color32) {
    let height = size::BODY + 2.0;
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let color = if ui.is_enabled() { color } else { theme.line };
    ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, text, theme::body(), color);
}

/// Draws a counter that should be zero, with a detail where it is not.
fn counter(ui: &mut Ui, theme: &Theme, name: &str, count: u64, detail: impl FnOnce() -> String) {
    row(ui, theme, name, |ui| {
        let color = if count > 0 { theme.alert } else { theme.weak };
        ui.label(RichText::new(thousands(count)).color(color));
        if count > 0 {
            ui.label(RichText::new(detail()).color(theme.weak).size(size::SMALL));
        }
    });
}

fn paint_bar(ui: &Ui, theme: &Theme, rect: Rect, load: f32, peak: f32) {
    let painter = ui.painter();
    let x = |load: f32| rect.left() + rect.width() * (load / FULL).clamp(0.0, 1.0);
    painter.rect_filled(rect, 1, theme.surface);
    let to = |right: f32| Rect::from_min_max(rect.min, pos2(right, rect.bottom()));
    painter.rect_filled(to(x(load)), 1, if load > 1.0 { theme.alert } else { theme.weak });
    if peak > 0.0 {
        let color = if peak > 1.0 { theme.alert } else { theme.text };
        painter.vline(x(peak), rect.y_range(), Stroke::new(1.5, color));
    }
    painter.vline(x(1.0), rect.top() - 2.0..=rect.bottom() + 2.0, Stroke::new(1.0, theme.text));
}

fn paint_history(ui: &Ui, theme: &Theme, rect: Rect, history: &LoadHistory) {
    let painter = ui.painter();
    painter.rect_filled(rect, 1, theme.well);
    let top = history.peak().max(1.0) * 1.05;
    let y = |load: f32| rect.bottom() - rect.height() * (load / top).clamp(0.0, 1.0);
    let step = rect.width() / (POINTS - 1) as f32;
    let points = history.points();
    let first = rect.right() - step * points.len().saturating_sub(1) as f32;
    let line: Vec<_> =
        points.enumerate().map(|(n, load)| pos2(first + step * n as f32, y(load))).collect();
    let full = y(1.0);
    painter.extend(Shape::dashed_line(
        &[pos2(rect.left(), full), pos2(rect.right(), full)],
        Stroke::new(1.0, theme.line),
        3.0,
        3.0,
    ));
    painter.add(Shape::line(line, Stroke::new(1.0, theme.text)));
    for (n, _) in history.late().enumerate().filter(|(_, late)| *late) {
        let mark = rect.bottom() - 5.0..=rect.bottom();
        painter.vline(first + step * n as f32, mark, Stroke::new(2.0, theme.alert));
    }
}

fn percent(load: f32) -> String {
    format!("{:.0} %", load * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(load: f32, peak_load: f32) -> PortStatus {
        PortStatus {
            health: PortHealth::Running,
            load,
            peak_load,
            frames: 0,
            playing: 4800,
            delivered: 6720,
            late_frames: 0,
            dropped_samples: 0,
            non_finite: [0; 2],
            guarded: GuardCounts::default(),
            muted_lanes: [false; 2],
            peaks: [[0.0; 2]; 2],
        }
    }

    #[test]
    fn the_margin_is_decoded_audio_not_played() {
        let running = status(0.2, 0.2);
        assert_eq!(margin(&running, 48_000), Some(40.0));
        assert_eq!(margin(&PortStatus { playing: 9120, ..running.clone() }, 48_000), Some(-50.0));
        assert_eq!(
            margin(&PortStatus { health: PortHealth::Failed(String::new()), ..running }, 48_000),
            None
        );
    }

    #[test]
    fn a_minute_is_kept_and_no_peak_is_missed() {
        let mut history = LoadHistory::default();
        for n in 0..30 * 120 {
            let peak = if n == 30 * 90 { 1.5 } else { 0.0 };
            history.update(&status(0.2, peak), 1.0 / 30.0);
        }
        assert_eq!(history.points().len(), 240);
        assert_eq!(history.peak(), 1.5);
        assert_eq!(history.points().filter(|load| *load == 1.5).count(), 1);
        assert!(history.late().all(|late| !late));
        history.update(&PortStatus { late_frames: 2, ..status(0.2, 0.2) }, 0.3);
        assert_eq!(history.late().filter(|late| *late).count(), 1);
        (0..30 * 61).for_each(|_| history.update(&status(0.2, 0.2), 1.0 / 30.0));
        assert_eq!(history.peak(), 0.2);
        assert!(history.late().all(|late| !late));
    }
}
