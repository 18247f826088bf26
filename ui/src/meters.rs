//! Peak meters.

use egui::accesskit::Role;
use egui::{Align2, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use residue_engine::measure::dbfs;

use crate::text::minus;
use crate::theme::{self, Theme, size};

/// Lower end of the scale, in dBFS.
const LOW: f32 = -60.0;
/// Upper end of the scale, in dBFS: a codec's output may exceed its input's peak.
const HIGH: f32 = 6.0;
/// Marks on the scale, in dBFS.
const MARKS: [f32; 8] = [0.0, -6.0, -12.0, -18.0, -24.0, -36.0, -48.0, -60.0];
/// Fall rate of a bar, in dB a second: 20 dB in 1.7 s, as a digital peak meter of IEC 60268-18.
const FALL: f32 = 20.0 / 1.7;
/// Hold time of the peak mark, in seconds.
const HOLD: f32 = 1.5;

/// The ballistics of one channel: instant attack, slow fall, peak hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelMeter {
    level: f32,
    held: f32,
    age: f32,
    clipped: bool,
}

impl Default for LevelMeter {
    fn default() -> Self {
        Self { level: LOW, held: LOW, age: 0.0, clipped: false }
    }
}

impl LevelMeter {
    /// Takes the highest absolute sample (1: full scale) of the last `seconds`.
    pub fn update(&mut self, peak: f32, seconds: f32) {
        let seconds = seconds.max(0.0);
        let peak_db = (dbfs(f64::from(peak)) as f32).max(LOW);
        self.level = peak_db.max(self.level - FALL * seconds).max(LOW);
        self.age += seconds;
        if peak_db >= self.held {
            (self.held, self.age) = (peak_db, 0.0);
        } else if self.age > HOLD {
            // Only for the time since the hold has ended, not for the whole frame.
            let falling = (self.age - HOLD).min(seconds);
            self.held = (self.held - FALL * falling).max(self.level);
        }
        // A sample of exactly full scale may have been above it before it was written.
        self.clipped |= peak >= 1.0;
    }

    /// Returns the height of the bar, in dBFS, at least -60.
    pub fn level(&self) -> f32 {
        self.level
    }

    /// Returns the height of the peak mark, in dBFS, at least -60.
    pub fn held(&self) -> f32 {
        self.held
    }

    /// Whether full scale has been reached since [`LevelMeter::unclip`].
    pub fn clipped(&self) -> bool {
        self.clipped
    }

    /// Resets the clip indicator.
    pub fn unclip(&mut self) {
        self.clipped = false;
    }
}

/// Meters of input and output, up to two channels each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LevelMeters {
    /// Indexed by input or output, then left or right.
    pub sides: [[LevelMeter; 2]; 2],
}

impl LevelMeters {
    /// Takes [`PortStatus::peaks`](residue_engine::live::PortStatus) read `seconds` after the last ones.
    pub fn update(&mut self, peaks: &[[f32; 2]; 2], seconds: f32) {
        for (meter, peak) in self.sides.as_flattened_mut().iter_mut().zip(peaks.as_flattened()) {
            meter.update(*peak, seconds);
        }
    }

    /// Draws the meters, `height` points high. A click, or space while focused, resets the clip indicators.
    pub fn show(&mut self, ui: &mut Ui, channels: usize, height: f32) -> Response {
        const BAR: f32 = 9.0;
        const SCALE: f32 = 26.0;
        let channels = channels.clamp(1, 2);
        let side = channels as f32 * (BAR + 2.0) - 2.0;
        let width = 2.0 * side.max(24.0) + SCALE;
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
        if response.clicked() {
            self.sides.as_flattened_mut().iter_mut().for_each(LevelMeter::unclip);
        }
        let clipped = self.sides.map(|side| side[..channels].iter().any(LevelMeter::clipped));
        let held = self
            .sides
            .map(|side| side[..channels].iter().fold(LOW, |most, meter| most.max(meter.held)));
        response.widget_info(|| {
            let text = |n: usize| {
                format!("{} dBFS{}", decibels(held[n]), if clipped[n] { " clipped" } else { "" })
            };
            let label = format!("Peaks: input {}, output {}", text(0), text(1));
            WidgetInfo::labeled(Role::Meter, true, label)
        });
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let theme = Theme::of(ui);
        let painter = ui.painter();
        if response.has_focus() {
            let stroke = Stroke::new(1.5, theme.text);
            painter.rect_stroke(rect, size::RADIUS, stroke, StrokeKind::Outside);
        }
        let caption = size::SMALL + size::GAP;
        let top = rect.top() + 2.0 * caption;
        let bottom = rect.bottom() - 4.0;
        let lamp = 6.0;
        let y = |db: f32| {
            let share = (db.clamp(LOW, HIGH) - LOW) / (HIGH - LOW);
            bottom - share * (bottom - top - lamp)
        };
        // Labels from full scale down, skipping those that would overlap.
        let mut free = f32::MIN;
        for mark in MARKS {
            if y(mark) < free {
                continue;
            }
            free = y(mark) + size::SMALL;
            let at = pos2(rect.center().x, y(mark));
            let text = minus(&format!("{mark:.0}"));
            let color = if mark == 0.0 { theme.text } else { theme.weak };
            painter.text(at, Align2::CENTER_CENTER, text, theme::small(), color);
        }
        for (n, side_meters) in self.sides.iter().enumerate() {
            let center = if n == 0 {
                rect.left() + side.max(24.0) / 2.0
            } else {
                rect.right() - side.max(24.0) / 2.0
            };
            let name = ["in", "out"][n];
            let at = pos2(center, rect.top());
            painter.text(at, Align2::CENTER_TOP, name, theme::small(), theme.weak);
            let ink = if clipped[n] { theme.alert } else { theme.text };
            let at = pos2(center, rect.top() + caption - 2.0);
            painter.text(at, Align2::CENTER_TOP, decibels(held[n]), theme::small(), ink);
            for (channel, meter) in side_meters[..channels].iter().enumerate() {
                let left = center - side / 2.0 + channel as f32 * (BAR + 2.0);
                let column =
                    |from: f32, to: f32| Rect::from_min_max(pos2(left, from), pos2(left + BAR, to));
                painter.rect_filled(column(y(HIGH), bottom), 1, theme.surface);
                painter.rect_filled(column(y(meter.level.min(0.0)), bottom), 0, theme.weak);
                if meter.level > 0.0 {
                    painter.rect_filled(column(y(meter.level), y(0.0)), 0, theme.alert);
                }
                if meter.held > LOW {
                    let at = y(meter.held);
                    let color = if meter.held > 0.0 { theme.alert } else { theme.text };
                    painter.rect_filled(column(at - 1.5, at), 0, color);
                }
                painter.hline(left..=left + BAR, y(0.0), theme.outline());
                let color = if meter.clipped { theme.alert } else { theme.surface };
                painter.rect_filled(column(top - 1.0, top + lamp - 3.0), 1, color);
            }
        }
        response
    }
}

/// Formats a level for a label.
fn decibels(level: f32) -> String {
    if level <= LOW {
        "\u{2212}\u{221e}".into()
    } else {
        let sign = if level >= 0.05 { "+" } else { "" };
        minus(&format!("{sign}{level:.1}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Updates with `peak` 30 times a second for `seconds`.
    fn run(meter: &mut LevelMeter, peak: f32, seconds: f32) {
        for _ in 0..(seconds * 30.0).round() as usize {
            meter.update(peak, 1.0 / 30.0);
        }
    }

    #[test]
    fn rises_at_once_and_falls_20_db_in_1_7_seconds() {
        let mut meter = LevelMeter::default();
        meter.update(0.5, 1.0 / 30.0);
        assert!((meter.level() + 6.02).abs() < 0.01);
        run(&mut meter, 0.0, 1.7);
        assert!((meter.level() + 26.02).abs() < 0.05, "{}", meter.level());
        run(&mut meter, 0.0, 60.0);
        assert_eq!(meter.level(), LOW);
    }

    #[test]
    fn falls_alike_at_any_frame_rate() {
        let (mut often, mut seldom) = (LevelMeter::default(), LevelMeter::default());
        often.update(1.0, 0.0);
        seldom.update(1.0, 0.0);
        (0..200).for_each(|_| often.update(0.0, 0.01));
        (0..4).for_each(|_| seldom.update(0.0, 0.5));
        assert!((often.level() - seldom.level()).abs() < 0.01);
        assert!((often.held() - seldom.held()).abs() < 0.01, "{often:?} {seldom:?}");
    }

    #[test]
    fn the_mark_holds_then_falls_but_never_below_the_bar() {
        let mut meter = LevelMeter::default();
        meter.update(1.0, 0.0);
        run(&mut meter, 0.1, 1.4);
        assert_eq!(meter.held(), 0.0);
        run(&mut meter, 0.1, 1.1);
        assert!((meter.held() + FALL).abs() < 0.5, "{}", meter.held());
        run(&mut meter, 0.1, 10.0);
        assert!((meter.held() + 20.0).abs() < 0.01 && meter.held() >= meter.level());
    }

    #[test]
    fn the_clip_indicator_stays_until_it_is_reset() {
        let mut meter = LevelMeter::default();
        meter.update(0.999, 0.1);
        assert!(!meter.clipped());
        meter.update(1.0, 0.1);
        run(&mut meter, 0.0, 10.0);
        assert!(meter.clipped());
        meter.unclip();
        assert!(!meter.clipped());
    }

    #[test]
    fn nan_reads_as_silence() {
        let mut meter = LevelMeter::default();
        meter.update(f32::NAN, f32::NAN);
        meter.update(0.0, 0.1);
        assert_eq!(meter.level(), LOW);
    }
}
