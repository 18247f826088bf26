//! Parameters as what a knob turns: their own range and text.

use std::ops::RangeInclusive;

use egui::{Color32, Ui};
use nice_plug::params::{FloatParam, IntParam, Param};
use residue_ui::{Knob, KnobScale};

use super::link::Link;
use crate::depth::Scale;

/// A number that a parameter has.
pub trait Number: Copy {
    /// As a knob has it.
    fn wide(self) -> f64;
    /// From a knob.
    fn narrow(value: f64) -> Self;
}

impl Number for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn narrow(value: f64) -> Self {
        value as f32
    }
}

impl Number for i32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn narrow(value: f64) -> Self {
        value.round() as Self
    }
}

/// How fast a parameter turns.
#[derive(Clone, Copy)]
pub struct Steps {
    /// Values are multiples of this.
    pub detent: f64,
    /// An arrow key or a notch of the wheel.
    pub step: f64,
    /// The same with shift.
    pub fine: f64,
    /// The page keys.
    pub page: f64,
}

/// A parameter as a quantity.
struct Turned<'a, P> {
    param: &'a P,
    range: RangeInclusive<f64>,
    steps: Steps,
    detail: Option<&'a dyn Fn(f64) -> String>,
}

impl<P: Param> KnobScale for Turned<'_, P>
where
    P::Plain: Number,
{
    fn range(&self) -> RangeInclusive<f64> {
        self.range.clone()
    }

    fn default(&self) -> f64 {
        let (low, high) = self.range.clone().into_inner();
        self.param.default_plain_value().wide().clamp(low, high)
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
        let normalized = self.param.preview_normalized(P::Plain::narrow(value));
        self.param.normalized_value_to_string(normalized, true)
    }

    fn detail(&self, value: f64) -> Option<String> {
        self.detail.map(|detail| detail(value))
    }

    fn parse(&self, text: &str) -> Option<f64> {
        // People also paste a typographic minus.
        let text = text.replace('\u{2212}', "-");
        let normalized = self.param.string_to_normalized_value(&text)?;
        Some(self.param.preview_plain(normalized).wide())
    }

    fn position(&self, value: f64) -> f64 {
        let (low, high) = self.range.clone().into_inner();
        let at = |value: f64| f64::from(self.param.preview_normalized(P::Plain::narrow(value)));
        ((at(value) - at(low)) / (at(high) - at(low)).max(1e-9)).clamp(0.0, 1.0)
    }
}

/// A knob for a depth: as far as the model has layers. A depth beyond them stays as it is until the
/// knob is turned.
pub fn depth(
    ui: &mut Ui,
    link: &mut Link,
    param: &IntParam,
    name: &str,
    scale: &Scale,
    accent: Color32,
    diameter: f32,
) {
    let layers = |value: f64| match value.round() as i64 {
        1 => "1 layer".to_owned(),
        layers => format!("{layers} layers"),
    };
    let turned = Turned {
        param,
        range: 1.0..=scale.layers().max(2) as f64,
        steps: Steps { detent: 1.0, step: 1.0, fine: 1.0, page: 4.0 },
        detail: Some(&layers),
    };
    let knob = Knob::new(name, &turned).accent(accent).diameter(diameter);
    show(ui, link, &turned, knob);
}

/// A knob for a number with a unit.
pub fn float(ui: &mut Ui, link: &mut Link, param: &FloatParam, name: &str, steps: Steps) {
    let range = param.preview_plain(0.0).wide()..=param.preview_plain(1.0).wide();
    let turned = Turned { param, range, steps, detail: None };
    let knob = Knob::new(name, &turned).diameter(44.0);
    show(ui, link, &turned, knob);
}

fn show<P: Param>(ui: &mut Ui, link: &mut Link, turned: &Turned<'_, P>, knob: Knob<'_>)
where
    P::Plain: Number,
{
    let mut value = turned.snap(link.get(turned.param).wide());
    let response = knob.show(ui, &mut value);
    link.follow(turned.param, &response, P::Plain::narrow(value));
}
