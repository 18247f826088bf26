//! The upper section: two depths, the listening source, and levels.

use egui::{Align, Layout, Ui};
use residue_ui::theme::size;
use residue_ui::{Lane, Theme, source_strip};

use super::context::EditorContext;
use super::controls::{caption, param_switch};
use super::layout::{draw_in, take_left, take_right};
use super::param_knob::{KnobSteps, depth_knob, float_knob};
use crate::port_settings::{listen_choice, listening_source};

const DECIBELS: KnobSteps = KnobSteps { detent: 0.1, step: 0.5, fine: 0.1, page: 3.0 };
const PERCENT: KnobSteps = KnobSteps { detent: 0.1, step: 1.0, fine: 0.1, page: 10.0 };

/// Draws the section.
pub fn show(ui: &mut Ui, context: &mut EditorContext) {
    let theme = Theme::of(ui);
    let mut rest = ui.max_rect();
    let params = std::sync::Arc::clone(&context.instance.params);
    let (codec, levels) = (&params.codec, &params.levels);
    let layer_bitrate = context.instance.model.layer_bitrate();
    let host = &mut context.host;

    draw_in(ui, take_left(&mut rest, 2.0 * 92.0), |ui| {
        caption(ui, "Depth");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::GAP;
            let lanes = [(Lane::A, "A", &codec.depth_a), (Lane::B, "B", &codec.depth_b)];
            for (lane, name, param) in lanes {
                let name = format!("Depth {name}");
                depth_knob(ui, host, param, &name, &layer_bitrate, theme.lane(lane), 66.0);
            }
        });
    });
    take_left(&mut rest, size::SPACE);
    draw_in(ui, take_right(&mut rest, 3.0 * 88.0), |ui| {
        caption(ui, "Levels");
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::GAP;
            float_knob(ui, host, &codec.mix, "Mix", PERCENT);
            float_knob(ui, host, &levels.input, "Input", DECIBELS);
            float_knob(ui, host, &levels.output, "Output", DECIBELS);
        });
    });
    take_right(&mut rest, size::SPACE);
    draw_in(ui, rest, |ui| {
        caption(ui, "Listen");
        ui.add_space(10.0);
        let swap = host.get(&codec.swap);
        let before = listening_source(host.get(&codec.listen), swap);
        let mut heard = before;
        let depths =
            [&codec.depth_a, &codec.depth_b].map(|param| layer_bitrate.format(host.get(param)));
        source_strip(ui, &mut heard, [&depths[0], &depths[1]]);
        if heard != before {
            host.set(&codec.listen, listen_choice(heard, swap));
        }
        ui.add_space(size::GAP + 2.0);
        ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
            param_switch(ui, host, &codec.swap, "Swap A and B  (X)", 0.0, false)
                .on_hover_text("exchanges A and B in what you hear");
            param_switch(ui, host, &codec.match_loudness, "Match loudness", 0.0, false)
                .on_hover_text("slowly matches the loudness of A and B to the dry signal");
        });
    });
}
