//! What is compared: two depths, what is heard of them, and levels.

use egui::{Align, Layout, Ui};
use residue_ui::theme::size;
use residue_ui::{Lane, Theme, source_strip};

use super::controls::{caption, switch};
use super::panel::{Desk, part, take_left, take_right};
use super::turn::{self, Steps};
use crate::settings::{listen, source};

const DECIBELS: Steps = Steps { detent: 0.1, step: 0.5, fine: 0.1, page: 3.0 };
const PERCENT: Steps = Steps { detent: 0.1, step: 1.0, fine: 0.1, page: 10.0 };

pub fn show(ui: &mut Ui, desk: &mut Desk) {
    let theme = Theme::of(ui);
    let mut rest = ui.max_rect();
    let params = std::sync::Arc::clone(&desk.instance.params);
    let (codec, levels) = (&params.codec, &params.levels);
    let scale = desk.instance.model.scale();
    let link = &mut desk.link;

    part(ui, take_left(&mut rest, 2.0 * 92.0), |ui| {
        caption(ui, "Depth");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::GAP;
            let lanes = [(Lane::A, "A", &codec.depth_a), (Lane::B, "B", &codec.depth_b)];
            for (lane, name, param) in lanes {
                let name = format!("Depth {name}");
                turn::depth(ui, link, param, &name, &scale, theme.lane(lane), 66.0);
            }
        });
    });
    take_left(&mut rest, size::SPACE);
    part(ui, take_right(&mut rest, 3.0 * 88.0), |ui| {
        caption(ui, "Levels");
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::GAP;
            turn::float(ui, link, &codec.mix, "Mix", PERCENT);
            turn::float(ui, link, &levels.input, "Input", DECIBELS);
            turn::float(ui, link, &levels.output, "Output", DECIBELS);
        });
    });
    take_right(&mut rest, size::SPACE);
    part(ui, rest, |ui| {
        caption(ui, "Listen");
        ui.add_space(10.0);
        let swap = link.get(&codec.swap);
        let before = source(link.get(&codec.listen), swap);
        let mut heard = before;
        let depths = [&codec.depth_a, &codec.depth_b].map(|param| scale.text(link.get(param)));
        source_strip(ui, &mut heard, [&depths[0], &depths[1]]);
        if heard != before {
            link.set(&codec.listen, listen(heard, swap));
        }
        ui.add_space(size::GAP + 2.0);
        ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
            switch(ui, link, &codec.swap, "Swap A and B  (X)", 0.0, false)
                .on_hover_text("A and B change places in what is heard");
            switch(ui, link, &codec.match_loudness, "Match loudness", 0.0, false)
                .on_hover_text("brings A and B to the dry lane's loudness, slowly");
        });
    });
}
