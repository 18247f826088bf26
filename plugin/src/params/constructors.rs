//! Constructors of parameters, by unit.

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::layer_bitrate::{LayerBitrate, MAX_LAYERS};
use crate::text::{format_one_decimal, parse_number, parse_switch};

/// Smoothing of gains, in milliseconds: long enough not to click, short enough to follow a fader.
const GAIN_SMOOTHING_MS: f32 = 20.0;

/// A depth in layers, shown as a bitrate.
pub fn depth(name: &str, layers: i32, layer_bitrate: &Arc<LayerBitrate>) -> IntParam {
    let (formats, parses) = (Arc::clone(layer_bitrate), Arc::clone(layer_bitrate));
    IntParam::new(name, layers, IntRange::Linear { min: 1, max: MAX_LAYERS })
        .with_value_to_string(Arc::new(move |depth| formats.format(depth)))
        .with_string_to_value(Arc::new(move |text| parses.parse(text)))
}

/// A share from 0 to 100 %.
pub fn percent(name: &str, value: f32) -> FloatParam {
    FloatParam::new(name, value, FloatRange::Linear { min: 0.0, max: 100.0 })
        .with_step_size(0.1)
        .with_unit(" %")
        .with_value_to_string(format_one_decimal())
        .with_string_to_value(parse_number(&["%"]))
}

/// A number of frames from 1 to `max`, with a finer resolution at the lower end.
pub fn frames(name: &str, value: f32, max: f32) -> FloatParam {
    let factor = FloatRange::skew_factor(-1.0);
    let number = format_one_decimal();
    let text = move |frames| match number(frames) {
        one if one == "1" => format!("{one} frame"),
        more => format!("{more} frames"),
    };
    FloatParam::new(name, value, FloatRange::Skewed { min: 1.0, max, factor })
        .with_step_size(0.1)
        .with_value_to_string(Arc::new(text))
        .with_string_to_value(parse_number(&["frames", "frame"]))
}

/// A gain from -24 to 24 dB. The range is part of every saved automation.
pub fn decibels(name: &str) -> FloatParam {
    FloatParam::new(name, 0.0, FloatRange::Linear { min: -24.0, max: 24.0 })
        .with_step_size(0.1)
        .with_smoother(SmoothingStyle::Linear(GAIN_SMOOTHING_MS))
        .with_unit(" dB")
        .with_value_to_string(format_one_decimal())
        .with_string_to_value(parse_number(&["db"]))
}

/// A switch that is off by default.
pub fn switch(name: &str) -> BoolParam {
    BoolParam::new(name, false).with_string_to_value(parse_switch())
}
