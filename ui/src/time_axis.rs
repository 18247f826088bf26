//! Times from the start of a recording, below its picture.

use egui::{Align2, Painter, Rect, Stroke, pos2};

use crate::theme::{self, Theme};
use crate::waveform::clock;

/// Points from one label to the next, at least.
const ROOM: f64 = 48.0;
/// Room in points that a label needs left of the right end.
const END: f32 = 14.0;

/// Draws ticks and labels below `picture`, whose width shows `seconds`. They take 13 points.
pub fn time_axis(painter: &Painter, theme: &Theme, picture: Rect, seconds: f64) {
    let step = step(least(picture, seconds));
    for (time, x) in ticks(picture, seconds) {
        painter.vline(x, picture.bottom()..=picture.bottom() + 3.0, theme.outline());
        let align = if time == 0.0 { Align2::LEFT_TOP } else { Align2::CENTER_TOP };
        if picture.right() - x > END {
            let at = pos2(x, picture.bottom() + 2.0);
            painter.text(at, align, label(time, step), theme::small(), theme.weak);
        }
    }
}

/// Draws lines over `picture` at the labels of its [`time_axis`].
pub fn time_grid(painter: &Painter, theme: &Theme, picture: Rect, seconds: f64) {
    let grid = Stroke::new(1.0, Theme::faded(theme.text, 0.08));
    for (_, x) in ticks(picture, seconds).filter(|(time, _)| *time > 0.0) {
        painter.vline(x, picture.y_range(), grid);
    }
}

/// Times of ticks, and where they are; none of a recording without length.
fn ticks(picture: Rect, seconds: f64) -> impl Iterator<Item = (f64, f32)> {
    let valid = seconds > 0.0 && seconds.is_finite() && picture.width() > 0.0;
    let step = step(least(picture, seconds));
    let count = if valid { (seconds / step) as u32 + 1 } else { 0 };
    (0..count).map(move |n| {
        let time = f64::from(n) * step;
        (time, picture.left() + picture.width() * (time / seconds) as f32)
    })
}

/// The least seconds from one label to the next.
fn least(picture: Rect, seconds: f64) -> f64 {
    seconds * ROOM / f64::from(picture.width())
}

/// The shortest round time of at least `least` seconds.
fn step(least: f64) -> f64 {
    // From a minute on, people count in minutes and hours.
    let steps =
        [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
    if (0.05..=3600.0).contains(&least) {
        return steps.into_iter().find(|step| *step >= least).unwrap_or(3600.0);
    }
    let unit = if least > 1.0 { 3600.0 } else { 1.0 };
    let power = 10f64.powf((least / unit).log10().floor());
    let digits = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power * unit);
    digits.into_iter().find(|step| *step >= least * 0.999_999).unwrap_or(10.0 * power * unit)
}

/// A time as a label, exact for a multiple of `step`.
fn label(seconds: f64, step: f64) -> String {
    if step >= 1.0 {
        let seconds = seconds.round() as u64;
        format!("{}:{:02}", seconds / 60, seconds % 60)
    } else if step >= 0.1 {
        // Not the tenth below, where rounding ended just short of one.
        clock(seconds + 1e-6)
    } else {
        let decimals = -(step * 1000.0).log10().floor().min(0.0);
        format!("{:.*} ms", decimals as usize, seconds * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_round_and_differ_at_every_length() {
        let labels = |seconds: f64| -> Vec<String> {
            let step = step(seconds / 9.0);
            (0..=(seconds / step) as u32).map(|n| label(f64::from(n) * step, step)).collect()
        };
        assert_eq!(labels(4.0)[..3], ["0:00.0", "0:00.5", "0:01.0"]);
        assert_eq!(labels(0.2)[..3], ["0 ms", "50 ms", "100 ms"]);
        assert_eq!(labels(0.002)[..3], ["0.0 ms", "0.5 ms", "1.0 ms"]);
        assert_eq!(labels(600.0)[..3], ["0:00", "2:00", "4:00"]);
        let mut seconds = 0.000_02;
        while seconds < 4e6 {
            let labels = labels(seconds);
            assert!((2..=10).contains(&labels.len()), "{seconds}: {labels:?}");
            let mut unique = labels.clone();
            unique.dedup();
            assert_eq!(unique, labels, "{seconds}");
            seconds *= 1.07;
        }
    }
}
