//! Parameters of the kinds that occur here.

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::depth::{MOST_LAYERS, Scale};
use crate::text::{read, read_switch, show};

/// Smoothing of gains, in milliseconds: long enough not to click, short enough to follow a fader.
const GAIN_SMOOTHING: f32 = 20.0;

/// A depth in layers, shown as a bitrate.
pub fn depth(name: &str, layers: i32, scale: &Arc<Scale>) -> IntParam {
    let (shown, parsed) = (Arc::clone(scale), Arc::clone(scale));
    IntParam::new(name, layers, IntRange::Linear { min: 1, max: MOST_LAYERS })
        .with_value_to_string(Arc::new(move |depth| shown.text(depth)))
        .with_string_to_value(Arc::new(move |text| parsed.parse(text)))
}

/// A share, 0 to 100 %.
pub fn percent(name: &str, value: f32) -> FloatParam {
    FloatParam::new(name, value, FloatRange::Linear { min: 0.0, max: 100.0 })
        .with_step_size(0.1)
        .with_unit(" %")
        .with_value_to_string(show())
        .with_string_to_value(read(&["%"]))
}

/// A number of frames from 1 up, fine at the lower end.
pub fn frames(name: &str, value: f32, most: f32) -> FloatParam {
    let factor = FloatRange::skew_factor(-1.0);
    let number = show();
    let text = move |frames| match number(frames) {
        one if one == "1" => format!("{one} frame"),
        more => format!("{more} frames"),
    };
    FloatParam::new(name, value, FloatRange::Skewed { min: 1.0, max: most, factor })
        .with_step_size(0.1)
        .with_value_to_string(Arc::new(text))
        .with_string_to_value(read(&["frames", "frame"]))
}

/// A gain around 0 dB.
pub fn decibels(name: &str) -> FloatParam {
    FloatParam::new(name, 0.0, FloatRange::Linear { min: -24.0, max: 24.0 })
        .with_step_size(0.1)
        .with_smoother(SmoothingStyle::Linear(GAIN_SMOOTHING))
        .with_unit(" dB")
        .with_value_to_string(show())
        .with_string_to_value(read(&["db"]))
}

/// A switch that is off.
pub fn switch(name: &str) -> BoolParam {
    BoolParam::new(name, false).with_string_to_value(read_switch())
}
