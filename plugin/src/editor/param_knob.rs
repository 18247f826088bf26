//! Knobs for parameters, with the parameter's own range and text.

use std::ops::RangeInclusive;

use egui::{Color32, Ui};
use nice_plug::params::{FloatParam, IntParam, Param};
use residue_ui::depth_text::format_layers;
use residue_ui::{Knob, KnobScale};

use super::host_params::HostParams;
use crate::layer_bitrate::LayerBitrate;

/// The type of a parameter's values, convertible to a knob's.
pub trait KnobValue: Copy {
    /// Converts to a knob's value.
    fn to_knob(self) -> f64;
    /// Converts from a knob's value.
    fn from_knob(value: f64) -> Self;
}

impl KnobValue for f32 {
    fn to_knob(self) -> f64 {
        f64::from(self)
    }

    fn from_knob(value: f64) -> Self {
        value as f32
    }
}

impl KnobValue for i32 {
    fn to_knob(self) -> f64 {
        f64::from(self)
    }

    fn from_knob(value: f64) -> Self {
        value.round() as Self
    }
}

/// The step sizes of a knob, in the parameter's unit.
#[derive(Clone, Copy)]
pub struct KnobSteps {
    /// The grid that values lie on.
    pub detent: f64,
    /// Change of an arrow key or a notch of the wheel.
    pub step: f64,
    /// Change with shift.
    pub fine: f64,
    /// Change of a page key.
    pub page: f64,
}

/// A parameter as the scale of a knob.
struct ParamScale<'a, P> {
    param: &'a P,
    range: RangeInclusive<f64>,
    steps: KnobSteps,
    detail: Option<&'a dyn Fn(f64) -> String>,
}

impl<P: Param> KnobScale for ParamScale<'_, P>
where
    P::Plain: KnobValue,
{
    fn range(&self) -> RangeInclusive<f64> {
        self.range.clone()
    }

    fn default(&self) -> f64 {
        let (low, high) = self.range.clone().into_inner();
        self.param.default_plain_value().to_knob().clamp(low, high)
    }

    fn detent(&self) -> Option<f64> {
        Some(self.steps.detent)
    }

    fn step(&self) -> f64 {
        self.steps.step
    }

    fn fine_step(&self) -> f64 {
        self.steps.fine
    }

    fn page(&self) -> f64 {
        self.steps.page
    }

    fn format(&self, value: f64) -> String {
        let normalized = self.param.preview_normalized(P::Plain::from_knob(value));
        self.param.normalized_value_to_string(normalized, true)
    }

    fn detail(&self, value: f64) -> Option<String> {
        self.detail.map(|detail| detail(value))
    }

    fn parse(&self, text: &str) -> Option<f64> {
        // People also paste a typographic minus.
        let text = text.replace('\u{2212}', "-");
        let normalized = self.param.string_to_normalized_value(&text)?;
        Some(self.param.preview_plain(normalized).to_knob())
    }

    fn position(&self, value: f64) -> f64 {
        let (low, high) = self.range.clone().into_inner();
        let at = |value: f64| f64::from(self.param.preview_normalized(P::Plain::from_knob(value)));
        ((at(value) - at(low)) / (at(high) - at(low)).max(1e-9)).clamp(0.0, 1.0)
    }
}

/// Draws a knob for a depth, up to the model's layers. A depth beyond them keeps its value until the knob
/// is turned.
pub fn depth_knob(
    ui: &mut Ui,
    host: &mut HostParams,
    param: &IntParam,
    name: &str,
    layer_bitrate: &LayerBitrate,
    accent: Color32,
    diameter: f32,
) {
    let layers = |value: f64| format_layers(value.round() as usize);
    let scale = ParamScale {
        param,
        range: 1.0..=layer_bitrate.layers().max(2) as f64,
        steps: KnobSteps { detent: 1.0, step: 1.0, fine: 1.0, page: 4.0 },
        detail: Some(&layers),
    };
    let knob = Knob::new(name, &scale).accent(accent).diameter(diameter);
    show(ui, host, &scale, knob);
}

/// Draws a knob for a number with a unit.
pub fn float_knob(
    ui: &mut Ui,
    host: &mut HostParams,
    param: &FloatParam,
    name: &str,
    steps: KnobSteps,
) {
    let range = param.preview_plain(0.0).to_knob()..=param.preview_plain(1.0).to_knob();
    let scale = ParamScale { param, range, steps, detail: None };
    let knob = Knob::new(name, &scale).diameter(44.0);
    show(ui, host, &scale, knob);
}

fn show<P: Param>(ui: &mut Ui, host: &mut HostParams, scale: &ParamScale<'_, P>, knob: Knob<'_>)
where
    P::Plain: KnobValue,
{
    let mut value = scale.snap(host.get(scale.param).to_knob());
    let response = knob.show(ui, &mut value);
    host.follow_widget(scale.param, &response, P::Plain::from_knob(value));
}
