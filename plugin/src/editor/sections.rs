//! What happens to the codes on their way, and how audio runs.

use egui::{Rect, RichText, Stroke, Ui};
use residue_ui::theme::size;
use residue_ui::{Theme, latency};

use super::controls::{caption, choice, options, switch, toggle};
use super::panel::{Desk, part, take_left, take_right};
use super::turn::{self, Steps};
use super::views::{COLUMN, nothing};
use super::watch::Live;

const LOSS: Steps = Steps { detent: 0.1, step: 1.0, fine: 0.1, page: 10.0 };
const BURST: Steps = Steps { detent: 0.1, step: 1.0, fine: 0.1, page: 5.0 };

pub fn show(ui: &mut Ui, desk: &mut Desk, live: Option<&Live>, streams: usize, stream: &mut usize) {
    let theme = Theme::of(ui);
    let mut rest = ui.max_rect();
    let params = std::sync::Arc::clone(&desk.instance.params);
    let (line, engine) = (&params.line, &params.engine);
    let link = &mut desk.link;

    part(ui, take_left(&mut rest, 330.0), |ui| {
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
    divide(ui, &theme, &mut rest);
    part(ui, take_left(&mut rest, 176.0), |ui| {
        caption(ui, "Engine");
        options(ui, link, &engine.late, "Late frames", &["Dry", "Hold", "Silence"]);
        ui.add_space(2.0);
        let names = ["Both channels", "Mid only"];
        options(ui, link, &engine.mono, "Stereo in mono models", &names);
    });
    divide(ui, &theme, &mut rest);
    part(ui, take_right(&mut rest, COLUMN), |ui| match live {
        Some(live) => drop(latency(ui, &live.latency, live.rate)),
        None => nothing(ui, "No latency: audio is off in the host"),
    });
    take_right(&mut rest, size::SPACE);
    part(ui, rest, |ui| {
        caption(ui, "Layers");
        let layers = desk.instance.model.scale().layers();
        let all = u64::MAX >> (64 - layers.clamp(1, 64));
        let muted = (desk.instance.params.muted.get() & all).count_ones();
        if streams > 1 {
            ui.label(RichText::new("Shown").color(theme.weak));
            if let Some(chosen) = choice(ui, "Channel of the token map", *stream, &["L", "R"]) {
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
            .on_hover_text("click a layer in the token map to mute it, with ctrl to hear it alone");
        if muted > 0 && toggle(ui, false, "Unmute all", 0.0, false).clicked() {
            desk.instance.params.muted.set(0);
        }
    });
}

/// A thin line, with room around it.
fn divide(ui: &Ui, theme: &Theme, rest: &mut Rect) {
    let gap = take_left(rest, 2.0 * size::SPACE);
    let stroke = Stroke::new(1.0, theme.surface);
    ui.painter().vline(gap.center().x, gap.shrink(4.0).y_range(), stroke);
}
