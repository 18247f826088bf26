//! The lower section: transmission, engine settings, muted layers and latency.

use egui::{RichText, Ui};
use residue_ui::theme::size;
use residue_ui::{Theme, latency};

use super::context::EditorContext;
use super::controls::{caption, param_choice, param_switch, segmented_choice, toggle};
use super::layout::{RIGHT_COLUMN, draw_in, placeholder, take_left, take_right, vertical_divider};
use super::param_knob::{KnobSteps, float_knob};
use super::port_observer::PortSnapshot;

const LOSS: KnobSteps = KnobSteps { detent: 0.1, step: 1.0, fine: 0.1, page: 10.0 };
const BURST: KnobSteps = KnobSteps { detent: 0.1, step: 1.0, fine: 0.1, page: 5.0 };

/// Draws the section. `stream` is the channel of the token map, where there are several `streams`.
pub fn show(
    ui: &mut Ui,
    context: &mut EditorContext,
    port: Option<&PortSnapshot>,
    streams: usize,
    stream: &mut usize,
) {
    let theme = Theme::of(ui);
    let mut rest = ui.max_rect();
    let params = std::sync::Arc::clone(&context.instance.params);
    let (transmission, engine) = (&params.transmission, &params.engine);
    let host = &mut context.host;

    draw_in(ui, take_left(&mut rest, 330.0), |ui| {
        caption(ui, "Line");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::GAP;
            float_knob(ui, host, &transmission.loss, "Frame loss", LOSS);
            float_knob(ui, host, &transmission.burst, "Burst length", BURST);
            ui.add_space(size::SPACE);
            ui.vertical(|ui| {
                param_choice(ui, host, &transmission.fill, "Lost frames", &["Repeat", "Silence"]);
                ui.add_space(size::GAP);
                param_switch(ui, host, &transmission.freeze, "Freeze", 0.0, false)
                    .on_hover_text("repeats the codes of the last frame");
            });
        });
    });
    vertical_divider(ui, &theme, &mut rest);
    draw_in(ui, take_left(&mut rest, 176.0), |ui| {
        caption(ui, "Engine");
        param_choice(ui, host, &engine.late, "Late frames", &["Dry", "Hold", "Silence"]);
        ui.add_space(2.0);
        let names = ["Both channels", "Mid only"];
        param_choice(ui, host, &engine.mono, "Stereo in mono models", &names);
    });
    vertical_divider(ui, &theme, &mut rest);
    draw_in(ui, take_right(&mut rest, RIGHT_COLUMN), |ui| match port {
        Some(port) => drop(latency(ui, &port.latency, port.rate)),
        None => placeholder(ui, "No latency: audio is off in the host"),
    });
    take_right(&mut rest, size::SPACE);
    draw_in(ui, rest, |ui| {
        caption(ui, "Layers");
        let layers = context.instance.model.layer_bitrate().layers();
        let all = u64::MAX >> (64 - layers.clamp(1, 64));
        let muted = (context.instance.params.muted.get() & all).count_ones();
        if streams > 1 {
            ui.label(RichText::new("Show").color(theme.weak));
            if let Some(chosen) =
                segmented_choice(ui, "Channel of the token map", *stream, &["L", "R"])
            {
                *stream = chosen;
            }
            ui.add_space(2.0);
        }
        let text = match muted {
            0 => "None muted".to_owned(),
            more => format!("{more} muted"),
        };
        let color = if muted > 0 { theme.alert } else { theme.weak };
        ui.label(RichText::new(text).color(color))
            .on_hover_text("click a layer in the token map to mute it, ctrl-click to solo it");
        if muted > 0 && toggle(ui, false, "Unmute all", 0.0, false).clicked() {
            context.instance.params.muted.set(0);
        }
    });
}
