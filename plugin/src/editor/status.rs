//! The last line: whether audio runs, with what, and the keys.

use egui::{Align, Layout, RichText, Sense, Ui, vec2};
use residue_engine::live::PortHealth;
use residue_ui::Theme;
use residue_ui::theme::size;

use super::header::short;
use super::panel::Desk;
use super::watch::Live;

const KEYS: &str = "D A B listen   X swap   1\u{2013}9 presets   Tab and arrows everywhere";

pub fn show(ui: &mut Ui, desk: &mut Desk, live: Option<&Live>) {
    let theme = Theme::of(ui);
    let (text, color) = match live {
        None => ("Audio is off in the host", theme.weak),
        Some(live) if live.status.health != PortHealth::Running => ("No model runs", theme.alert),
        Some(live) if !live.moves => ("Audio is stopped in the host", theme.weak),
        Some(live) if live.status.load > 1.0 => ("The codec is too slow", theme.alert),
        Some(_) => ("Running", theme.text),
    };
    let height = ui.available_height();
    ui.horizontal(|ui| {
        ui.set_height(height);
        ui.spacing_mut().item_spacing.x = size::SPACE;
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
        ui.painter().circle_filled(dot.center(), 3.5, color);
        ui.label(RichText::new(text).color(color));
        let weak = |text: String| RichText::new(text).color(theme.weak);
        if let Some((name, precision)) = &desk.model.running {
            ui.label(weak(format!("{} in {precision}", short(name))));
        }
        if let Some(live) = live {
            let channels = if live.channels == 1 { "mono" } else { "stereo" };
            ui.label(weak(format!("{} kHz {channels}", f64::from(live.rate) / 1000.0)));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(weak(KEYS.to_owned()).size(size::SMALL));
        });
    });
}
