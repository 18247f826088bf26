//! How far A and B are from dry, while they run.

use std::collections::VecDeque;

use egui::accesskit::Role;
use egui::{
    Align, Align2, Layout, Rect, Response, RichText, Sense, Shape, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};
use residue_engine::measure::{MeasureError, StreamingMelDistance};

use crate::telemetry_feed::TelemetryFeed;
use crate::theme::{self, Lane, Theme, size};

/// Seconds that a distance is measured over.
const MOMENT: f64 = 1.0;
/// Seconds of a point of the history.
const POINT: f64 = 0.25;
/// Points kept: a minute.
const POINTS: usize = 240;
/// The scale of the history goes at least so far.
const LEAST_TOP: f64 = 2.0;

/// The mel distance of lanes A and B from dry, with its last minute.
pub struct DistanceView {
    measure: StreamingMelDistance,
    points: VecDeque<[f64; 2]>,
    /// Samples of a point, and those since the last.
    step: u64,
    since: u64,
    epoch: u64,
}

impl DistanceView {
    /// Of audio at `rate` hertz.
    ///
    /// # Errors
    /// If the rate is 0.
    pub fn new(rate: u32) -> Result<Self, MeasureError> {
        Ok(Self {
            measure: StreamingMelDistance::new(rate, MOMENT)?,
            points: VecDeque::new(),
            step: ((f64::from(rate) * POINT) as u64).max(1),
            since: 0,
            epoch: 0,
        })
    }

    /// Takes what `feed` read last; begins anew if the feed did, and after a gap.
    pub fn update(&mut self, feed: &TelemetryFeed) {
        if feed.epoch() != self.epoch {
            self.epoch = feed.epoch();
            self.clear();
        } else if feed.gap() > 0 {
            self.measure.clear();
        }
        self.push(feed.samples());
    }

    /// Takes the next samples of dry, A and B from elsewhere.
    pub fn push(&mut self, samples: &[[f32; 3]]) {
        for piece in samples.chunks(self.step as usize) {
            self.measure.push(piece);
            self.since += piece.len() as u64;
            if self.since >= self.step {
                self.since -= self.step;
                if let Some(distances) = self.measure.read() {
                    if self.points.len() == POINTS {
                        self.points.pop_front();
                    }
                    self.points.push_back(distances);
                }
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.measure.clear();
        self.points.clear();
        self.since = 0;
    }

    /// The distances of A and B over the last second.
    pub fn read(&self) -> Option<[f64; 2]> {
        self.measure.read()
    }

    /// Draws numbers and history, as wide as `ui` and so many points high.
    pub fn show(&self, ui: &mut Ui, height: f32) -> Response {
        let theme = Theme::of(ui);
        let read = self.read();
        let text = |lane: usize| match read {
            Some(distances) => format!("{:.2}", distances[lane]),
            None => "\u{2013}".to_owned(),
        };
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = size::GAP;
            ui.spacing_mut().interact_size.y = size::BODY + 2.0;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = size::GAP;
                ui.label(RichText::new("Mel distance from dry").color(theme.weak));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    for (lane, name, n) in [(Lane::B, "B", 1), (Lane::A, "A", 0)] {
                        let (room, _) =
                            ui.allocate_exact_size(vec2(30.0, size::BODY + 2.0), Sense::hover());
                        ui.painter().text(
                            room.right_center(),
                            Align2::RIGHT_CENTER,
                            text(n),
                            theme::body(),
                            theme.text,
                        );
                        ui.label(RichText::new(name).color(theme.lane(lane)));
                    }
                });
            })
            .response
            .on_hover_text(
                "log-mel distance of the last second, as `residue compare` prints it for a file; \
                 0 is the same",
            );
            let (rect, response) =
                ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
            if ui.is_rect_visible(rect) {
                self.paint(ui, &theme, rect);
            }
            response.widget_info(|| {
                let label = format!("Mel distance from dry: A {}, B {}", text(0), text(1));
                WidgetInfo::labeled(Role::Meter, true, label)
            });
            response
        })
        .inner
    }

    fn paint(&self, ui: &Ui, theme: &Theme, rect: Rect) {
        let painter = ui.painter();
        painter.rect_filled(rect, 1, theme.well);
        let most = self.points.iter().flatten().fold(LEAST_TOP, |most, x| most.max(*x));
        let top = most.ceil();
        let y = |distance: f64| rect.bottom() - rect.height() * (distance / top) as f32;
        for line in 1..top as usize {
            let stroke = Stroke::new(1.0, Theme::faded(theme.line, 0.5));
            painter.hline(rect.x_range(), y(line as f64), stroke);
        }
        let step = rect.width() / (POINTS - 1) as f32;
        let first = rect.right() - step * self.points.len().saturating_sub(1) as f32;
        for (lane, n) in [(Lane::B, 1), (Lane::A, 0)] {
            let points = self.points.iter().enumerate();
            let line =
                points.map(|(at, point)| pos2(first + step * at as f32, y(point[n]))).collect();
            painter.add(Shape::line(line, Stroke::new(1.5, theme.lane(lane))));
        }
        painter.text(
            rect.left_top() + vec2(3.0, 1.0),
            Align2::LEFT_TOP,
            format!("{top:.0}"),
            theme::small(),
            theme.weak,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_kept() {
        let mut distance = DistanceView::new(8000).unwrap();
        assert_eq!(distance.read(), None);
        let samples: Vec<[f32; 3]> =
            (0..8000u32).map(|n| [((n * n) % 17) as f32 / 17.0 - 0.5, 0.0, 0.2]).collect();
        (0..70).for_each(|_| distance.push(&samples));
        assert_eq!(distance.points.len(), POINTS);
        let [a, b] = distance.read().unwrap();
        assert!(a > 0.0 && b > 0.0);
        distance.clear();
        assert_eq!((distance.read(), distance.points.len()), (None, 0));
    }
}
