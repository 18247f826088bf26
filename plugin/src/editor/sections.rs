//! What happens to the codes on their way, and how audio runs.

use egui::{Align, Layout, RichText, Ui};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::controls::{caption, options, switch};
use super::panel::{Desk, part, take_left};
use super::turn::{self, Steps};

const LOSS: Steps = Steps { detent: 0.1, step: 1.0, fine: 0.1, page: 10.0 };
const BURST: Steps = Steps { detent: 0.1, step: 1.0, fine: 0.1, page: 5.0 };

pub fn show(ui: &mut Ui, desk: &mut Desk) {
    let theme = Theme::of(ui);
    let mut rest = ui.max_rect();
    let params = std::sync::Arc::clone(&desk.instance.params);
    let (line, engine) = (&params.line, &params.engine);
    let link = &mut desk.link;

    part(ui, take_left(&mut rest, 400.0), |ui| {
        caption(ui, "Line");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::GAP;
            turn::float(ui, link, &line.loss, "Frame loss", LOSS);
            turn::float(ui, link, &line.burst, "Burst length", BURST);
            ui.add_space(size::SPACE);
            ui.vertical(|ui| {
                options(ui, link, &line.fill, "Lost frames", &["Repeat", "Silence"]);
                ui.add_space(size::GAP);
                switch(ui, link, &line.freeze, "Freeze", 0.0, false)
                    .on_hover_text("decodes the last frame again and again");
            });
        });
    });
    let line_at = rest.left();
    let stroke = egui::Stroke::new(1.0, theme.surface);
    ui.painter().vline(line_at, rest.shrink(4.0).y_range(), stroke);
    take_left(&mut rest, 2.0 * size::SPACE);
    part(ui, take_left(&mut rest, 200.0), |ui| {
        caption(ui, "Engine");
        options(ui, link, &engine.late, "Late frames", &["Dry", "Hold", "Silence"]);
        ui.add_space(size::GAP);
        let names = ["Both channels", "Mid only"];
        options(ui, link, &engine.mono, "Stereo in mono models", &names);
    });
    take_left(&mut rest, size::SPACE);
    part(ui, rest, |ui| {
        caption(ui, "Layers");
        let layers = desk.instance.model.scale().layers();
        let all = u64::MAX >> (64 - layers.clamp(1, 64));
        let muted = (desk.instance.params.muted.get() & all).count_ones();
        let text = match muted {
            0 => "No layer is muted.".to_owned(),
            1 => "1 layer is muted.".to_owned(),
            more => format!("{more} layers are muted."),
        };
        let color = if muted > 0 { theme.alert } else { theme.weak };
        ui.label(RichText::new(text).color(color));
        ui.label(
            RichText::new("Click a layer in the token map to mute it, with ctrl to hear it alone.")
                .color(theme.weak)
                .size(size::SMALL),
        );
        ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
            ui.add_enabled_ui(muted > 0, |ui| {
                if super::controls::toggle(ui, false, "Unmute all", 0.0, false).clicked() {
                    desk.instance.params.muted.set(0);
                }
            });
        });
    });
}
