//! What is heard: depths, source, mix.

use egui::{Align, Layout, RichText, Slider, Ui, vec2};
use residue_ui::knob_scale::DepthScale;
use residue_ui::theme::size;
use residue_ui::{Knob, KnobScale, Lane, Theme, source_strip};

use super::{Window, parts};

/// Height of the row in points.
const HEIGHT: f32 = 106.0;
/// Points across a knob.
const KNOB: f32 = 58.0;

/// Draws the row.
pub fn show(ui: &mut Ui, window: &mut Window) {
    let theme = Theme::of(ui);
    let facts = window.studio.model().facts.clone();
    let depth = match &facts {
        Some(facts) => DepthScale::new(facts.layers, facts.kbps_per_layer),
        None => DepthScale::new(1, 0.0),
    };
    let before = *window.studio.settings();
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
                    // What the model has no layers for is remembered for one that has.
                    if response.changed() {
                        *layers = value as usize;
                    }
                    window.knob_has_focus |= response.has_focus();
                    window.quiet.push(response.rect);
                }
            });
            let meters = 76.0 + size::SPACE;
            ui.vertical(|ui| {
                ui.set_width(ui.available_width() - meters);
                ui.add_space(size::SPACE);
                let texts = settings.frames.depths.map(|layers| depth.format(shown(layers) as f64));
                let strip =
                    source_strip(ui, &mut settings.source, [texts[0].as_str(), texts[1].as_str()]);
                window.quiet.push(strip.rect);
                ui.add_space(size::GAP);
                options(ui, &theme, &mut settings);
            });
            ui.add_space(size::GAP);
            let channels = match window.studio.stream_state() {
                crate::studio::StreamState::Running(facts) => facts.shape.channels,
                _ => 2,
            };
            window.meters.show(ui, channels, HEIGHT);
        },
    );
    if settings != before {
        window.studio.set_settings(settings);
    }
}

fn options(ui: &mut Ui, theme: &Theme, settings: &mut residue_engine::live::PortSettings) {
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
