//! The row of controls for depths, source and mix.

use egui::{Align, Layout, Rect, RichText, Slider, Ui, vec2};
use residue_engine::live::PortSettings;
use residue_ui::knob_scale::DepthScale;
use residue_ui::theme::size;
use residue_ui::{Knob, KnobScale, Lane, LevelMeters, Theme, source_strip};

use super::parts;
use crate::studio::{StreamState, Studio};

/// Height of the row in points.
const HEIGHT: f32 = 106.0;
/// Points across a knob.
const KNOB: f32 = 58.0;

/// Controls of a frame that take keys, or leave them to the window.
#[derive(Default)]
pub struct KeyFocus {
    /// Controls that do nothing with the space bar: the window may have it.
    pub quiet: Vec<Rect>,
    /// Whether a knob has the focus, which digits are typed on.
    pub knob_has_focus: bool,
}

/// Draws the row.
pub fn show(ui: &mut Ui, studio: &mut Studio, meters: &mut LevelMeters, focus: &mut KeyFocus) {
    let theme = Theme::of(ui);
    let facts = studio.model().facts.clone();
    let depth = match &facts {
        Some(facts) => DepthScale::new(facts.layers, facts.kbps_per_layer),
        None => DepthScale::new(1, 0.0),
    };
    let before = studio.settings();
    let mut settings = before;
    let layers = depth.layers;
    let shown = |depth: usize| depth.clamp(1, layers);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), HEIGHT),
        Layout::left_to_right(Align::Min),
        |ui| {
            let lanes = [(Lane::A, "Depth A"), (Lane::B, "Depth B")];
            ui.add_enabled_ui(facts.is_some(), |ui| {
                for ((lane, name), layers) in lanes.into_iter().zip(&mut settings.frames.depths) {
                    let mut value = shown(*layers) as f64;
                    let knob = Knob::new(name, &depth).accent(theme.lane(lane)).diameter(KNOB);
                    let response = knob.show(ui, &mut value);
                    // A depth that this model lacks is kept for one that has it.
                    if response.changed() {
                        *layers = value as usize;
                    }
                    focus.knob_has_focus |= response.has_focus();
                    focus.quiet.push(response.rect);
                }
            });
            let room = 76.0 + size::SPACE;
            ui.vertical(|ui| {
                ui.set_width(ui.available_width() - room);
                ui.add_space(size::SPACE);
                let texts = settings.frames.depths.map(|layers| depth.format(shown(layers) as f64));
                let strip =
                    source_strip(ui, &mut settings.source, [texts[0].as_str(), texts[1].as_str()]);
                focus.quiet.push(strip.rect);
                ui.add_space(size::GAP);
                options(ui, &theme, &mut settings);
            });
            ui.add_space(size::GAP);
            let channels = match studio.stream_state() {
                StreamState::Running(facts) => facts.shape.channels,
                _ => 2,
            };
            meters.show(ui, channels, HEIGHT);
        },
    );
    if settings != before {
        studio.set_settings(settings);
    }
}

fn options(ui: &mut Ui, theme: &Theme, settings: &mut PortSettings) {
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = 84.0;
        let label = ui.label(RichText::new("Mix").color(theme.weak));
        let mut percent = settings.mix * 100.0;
        let slider = Slider::new(&mut percent, 0.0..=100.0).suffix(" %").max_decimals(0);
        ui.add(slider)
            .labelled_by(label.id)
            .on_hover_text("how much of the source is heard; the rest is dry");
        settings.mix = percent / 100.0;
        ui.checkbox(&mut settings.frames.match_loudness, "Match loudness")
            .on_hover_text("brings A and B to the loudness of dry, slowly");
        let muted = settings.frames.muted_layers;
        if muted != 0 {
            let muted = parts::count(u64::from(muted.count_ones()), "layer is", "layers are");
            if ui.button("Hear all layers").on_hover_text(format!("{muted} muted")).clicked() {
                settings.frames.muted_layers = 0;
            }
        }
    });
}
