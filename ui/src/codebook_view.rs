//! What the codes carry: use and entropy of each layer's codebook.

use egui::accesskit::Role;
use egui::{Align2, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2};
use residue_engine::measure::{CodebookUsage, MeasureError, codebook_usage};
use residue_engine::tokens::Codes;

use crate::telemetry_feed::FrameWindow;
use crate::theme::{self, Lane, Theme, size};
use crate::token_map::{map_rect, row_rect};

/// Frames from one count to the next: about twice a second.
const EVERY: u64 = 6;

/// Use and entropy of the codebooks over the frames of a window.
#[derive(Default)]
pub struct CodebookStats {
    usage: Option<Result<CodebookUsage, MeasureError>>,
    /// Window and frame of the last count.
    counted: Option<(u64, u64)>,
}

impl CodebookStats {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the window again if enough has come since the last time. Streams count as more frames
    /// of the same codebooks. Call it only while the view is visible.
    pub fn update(&mut self, frames: &FrameWindow, codebook_size: usize) {
        let (epoch, total) = (frames.epoch(), frames.total());
        if let Some((counted, at)) = self.counted
            && counted == epoch
            && total < at + EVERY
        {
            return;
        }
        self.counted = Some((epoch, total));
        let (layers, streams) = (frames.layers(), frames.streams());
        if layers == 0 || frames.is_empty() {
            self.usage = None;
            return;
        }
        let numbers = || total - frames.len() as u64..total;
        let layer_codes = |layer: usize| -> Vec<u32> {
            let stream = |stream| numbers().filter_map(move |n| frames.code(n, stream, layer));
            (0..streams).flat_map(stream).collect()
        };
        let mut usage = CodebookUsage { codebook_size, frames: 0, layers: Vec::new() };
        for layer in 0..layers {
            // Each layer by itself: deep ones may be missing in some frames.
            let codes = layer_codes(layer);
            match codebook_usage(&Codes::new(1, codes.len(), codes), codebook_size) {
                Ok(one) => {
                    usage.frames = usage.frames.max(one.frames);
                    usage.layers.extend(one.layers);
                }
                Err(error) => {
                    self.usage = Some(Err(error));
                    return;
                }
            }
        }
        self.usage = Some(Ok(usage));
    }

    /// The last count; `None` without frames.
    ///
    /// # Errors
    /// If a code is not in the codebook.
    pub fn usage(&self) -> Option<Result<&CodebookUsage, &MeasureError>> {
        self.usage.as_ref().map(Result::as_ref)
    }

    /// Draws the bars into the room of `ui`, layer beside layer with a
    /// [`TokenMap`](crate::TokenMap) of the same height. `frame_rate` is frames a second; layers
    /// beyond both depths are dimmed.
    pub fn show(&self, ui: &mut Ui, depths: [usize; 2], frame_rate: f64) -> Response {
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let theme = Theme::of(ui);
        let map = map_rect(rect);
        let painter = ui.painter();
        let caption = pos2(map.left(), rect.top() + 7.0);
        match self.usage() {
            Some(Ok(usage)) => {
                let summaries = [Lane::A, Lane::B].map(|lane| {
                    let name = if lane == Lane::A { "A" } else { "B" };
                    let [real, nominal] = kbps(usage, depths[lane as usize - 1], frame_rate);
                    (lane, format!("{name} {real:.2} of {nominal:.2}"))
                });
                response.widget_info(|| {
                    let [(_, a), (_, b)] = &summaries;
                    let label =
                        format!("Codebooks, {} frames: {a}, {b} kbps carried", usage.frames);
                    WidgetInfo::labeled(Role::GraphicsObject, true, label)
                });
                if ui.is_rect_visible(rect) {
                    let mut at = caption;
                    let put = |at: &mut egui::Pos2, text: &str, color| {
                        let align = Align2::LEFT_CENTER;
                        at.x = painter.text(*at, align, text, theme::body(), color).right() + 8.0;
                    };
                    for (lane, summary) in &summaries {
                        put(&mut at, summary, theme.lane(*lane));
                    }
                    put(&mut at, "kbps carried", theme.weak);
                    paint(ui, &theme, map, usage, depths);
                }
                let bound = usage.measurable_bits_per_frame() / usage.layers.len().max(1) as f64;
                response.on_hover_ui_at_pointer(|ui| {
                    ui.label(format!(
                        "Bar: bits a frame that each layer's codes really carry (entropy over the \
                         last {} frames). Mark: the most that so few frames can show, {bound:.1}. \
                         Number: share of the codebook in use.",
                        usage.frames
                    ));
                })
            }
            Some(Err(error)) => {
                let error = error.to_string();
                response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &error));
                painter.rect_stroke(map, 0, theme.outline(), StrokeKind::Outside);
                painter.text(caption, Align2::LEFT_CENTER, error, theme::body(), theme.alert);
                response
            }
            None => {
                response.widget_info(|| {
                    WidgetInfo::labeled(Role::Label, true, "Codebooks, no codes yet")
                });
                painter.rect_filled(map, 0, theme.well);
                painter.rect_stroke(map, 0, theme.outline(), StrokeKind::Outside);
                painter.text(
                    caption,
                    Align2::LEFT_CENTER,
                    "no codes yet",
                    theme::body(),
                    theme.weak,
                );
                response
            }
        }
    }
}

/// Kilobits a second that a lane of so many layers really carries, and is sent with.
fn kbps(usage: &CodebookUsage, depth: usize, frame_rate: f64) -> [f64; 2] {
    let depth = depth.min(usage.layers.len());
    let real: f64 = usage.layers[..depth].iter().map(|layer| layer.entropy_bits).sum();
    let nominal = depth as f64 * (usage.codebook_size as f64).log2();
    [real, nominal].map(|bits| bits * frame_rate / 1000.0)
}

fn paint(ui: &Ui, theme: &Theme, map: Rect, usage: &CodebookUsage, depths: [usize; 2]) {
    let painter = ui.painter();
    let nominal = (usage.codebook_size as f64).log2().max(1.0);
    let layers = usage.layers.len();
    let measurable = usage.measurable_bits_per_frame() / layers.max(1) as f64;
    let x = |bits: f64| map.left() + map.width() * (bits / nominal).clamp(0.0, 1.0) as f32;
    painter.rect_filled(map, 0, theme.well);
    for bits in [0.25, 0.5, 0.75].map(|share| share * nominal) {
        painter.vline(x(bits), map.y_range(), Stroke::new(1.0, theme.surface));
    }
    let height = map.height() / layers.max(1) as f32;
    let step = [1, 2, 4, 8, 16, 32]
        .into_iter()
        .find(|step| height * *step as f32 >= size::SMALL)
        .unwrap_or(64);
    for (layer, used) in usage.layers.iter().enumerate() {
        let row = row_rect(map, layers, layer);
        let gap = if height > 3.0 { (height * 0.12).max(1.0) } else { 0.0 };
        let heard = |depth: usize| layer < depth;
        let opacity = if heard(depths[0].max(depths[1])) { 0.85 } else { 0.3 };
        let bar = Rect::from_min_max(
            pos2(map.left(), row.top() + gap),
            pos2(x(used.entropy_bits), row.bottom() - gap),
        );
        // What only one lane hears has its colour.
        let color = match depths.map(heard) {
            [true, false] => theme.lane(Lane::A),
            [false, true] => theme.lane(Lane::B),
            _ => theme.weak,
        };
        painter.rect_filled(bar, 0, Theme::faded(color, opacity));
        if (layer + 1) % step == 0 {
            let weak = Theme::faded(theme.weak, opacity.max(0.6));
            let at = pos2(map.left() - 4.0, row.center().y);
            let text = (layer + 1).to_string();
            painter.text(at, Align2::RIGHT_CENTER, text, theme::small(), weak);
            let share = usage.used(layer).unwrap_or(0.0) * 100.0;
            let text = if share < 9.95 { format!("{share:.1} %") } else { format!("{share:.0} %") };
            let at = pos2(map.right() + 4.0, row.center().y);
            painter.text(at, Align2::LEFT_CENTER, text, theme::small(), weak);
        }
    }
    if measurable < nominal - 0.01 {
        let color = Theme::faded(theme.text, 0.8);
        painter.vline(x(measurable), map.y_range(), Stroke::new(1.0, color));
    }
    painter.rect_stroke(map, 0, theme.outline(), StrokeKind::Outside);
    let marks = [
        (0.0, Align2::LEFT_TOP),
        (nominal / 2.0, Align2::CENTER_TOP),
        (nominal, Align2::RIGHT_TOP),
    ];
    for (bits, align) in marks {
        let unit = if bits == nominal { " bits" } else { "" };
        let text = format!("{bits:.0}{unit}");
        let at = pos2(x(bits), map.bottom() + 3.0);
        painter.text(at, align, text, theme::small(), theme.weak);
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::live::{FrameCodes, NO_CODE};

    use super::*;

    fn window(frames: u64, streams: usize) -> FrameWindow {
        let mut window = FrameWindow::new();
        for n in 0..frames {
            // Layer 0 constant, layer 1 uniform over four codes.
            let codes: Vec<u32> = (0..streams).flat_map(|_| [7, (n % 4) as u32]).collect();
            window.push(&FrameCodes { position: n, streams, layers: 2, codes: &codes });
        }
        window
    }

    #[test]
    fn known_codes_have_their_entropy() {
        for streams in [1, 2] {
            let mut stats = CodebookStats::new();
            stats.update(&window(64, streams), 1024);
            let usage = stats.usage().unwrap().unwrap();
            assert_eq!(usage.frames, 64 * streams);
            let layers = [usage.layers[0], usage.layers[1]];
            assert_eq!(layers.map(|layer| layer.distinct), [1, 4]);
            assert!((layers[1].entropy_bits - 2.0).abs() < 1e-12 && layers[0].entropy_bits == 0.0);
            assert_eq!(kbps(usage, 1, 12.5), [0.0, 0.125]);
            assert_eq!(kbps(usage, 99, 12.5), [0.025, 0.25]);
        }
    }

    #[test]
    fn codes_that_are_missing_are_not_counted() {
        let mut frames = FrameWindow::new();
        for n in 0..8 {
            let codes = [n, if n < 4 { n } else { NO_CODE }];
            frames.push(&FrameCodes { position: 0, streams: 1, layers: 2, codes: &codes });
        }
        let mut stats = CodebookStats::new();
        stats.update(&frames, 1024);
        let usage = stats.usage().unwrap().unwrap();
        let layers: Vec<_> = usage.layers.iter().map(|l| (l.distinct, l.entropy_bits)).collect();
        assert_eq!((usage.frames, &layers[..]), (8, &[(8, 3.0), (4, 2.0)][..]));
    }

    #[test]
    fn counts_again_only_when_enough_has_come() {
        let mut stats = CodebookStats::new();
        stats.update(&FrameWindow::new(), 1024);
        assert!(stats.usage().is_none());
        let mut frames = window(10, 1);
        stats.update(&frames, 1024);
        let counted = |stats: &CodebookStats| stats.usage().unwrap().unwrap().frames;
        let push = |frames: &mut FrameWindow| {
            frames.push(&FrameCodes { position: 0, streams: 1, layers: 2, codes: &[1, 2] });
        };
        (0..EVERY - 1).for_each(|_| push(&mut frames));
        stats.update(&frames, 1024);
        assert_eq!(counted(&stats), 10);
        push(&mut frames);
        stats.update(&frames, 1024);
        assert_eq!(counted(&stats), 16);
        // Another window.
        frames.clear();
        push(&mut frames);
        stats.update(&frames, 1024);
        assert_eq!(counted(&stats), 1);
    }

    #[test]
    fn a_code_outside_the_codebook_is_said() {
        let mut stats = CodebookStats::new();
        stats.update(&window(10, 1), 4);
        assert!(matches!(stats.usage(), Some(Err(MeasureError::CodeOutOfRange { value: 7, .. }))));
    }
}
