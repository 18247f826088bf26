//! The bottom line: state of audio, running model, sample rate, and keys.

use egui::{Align, Layout, RichText, Sense, Ui, vec2};
use residue_engine::live::PortHealth;
use residue_ui::Theme;
use residue_ui::theme::size;

use super::context::EditorContext;
use super::model_text::short_name;
use super::port_observer::PortSnapshot;

const KEYS: &str = "D A B listen   X swap   1\u{2013}9 presets   Tab and arrows everywhere";

/// Draws the status line.
pub fn show(ui: &mut Ui, context: &EditorContext, port: Option<&PortSnapshot>) {
    let theme = Theme::of(ui);
    let (text, color) = match port {
        None => ("Audio is off in the host", theme.weak),
        Some(port) if port.status.health != PortHealth::Running => ("No model runs", theme.alert),
        Some(port) if !port.processing => ("Audio is stopped in the host", theme.weak),
        Some(port) if port.status.load > 1.0 => ("The codec is too slow", theme.alert),
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
        if let Some((name, precision)) = &context.model.running {
            ui.label(weak(format!("{} in {precision}", short_name(name))));
        }
        if let Some(port) = port {
            let channels = if port.channels == 1 { "mono" } else { "stereo" };
            ui.label(weak(format!("{} kHz {channels}", f64::from(port.rate) / 1000.0)));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(weak(KEYS.to_owned()).size(size::SMALL));
        });
    });
}
