//! The parts that trials and ratings share: the position of playback, and the way out.

use egui::{Align2, Key, RichText, Sense, Ui, WidgetInfo, pos2, vec2};
use residue_ui::Theme;
use residue_ui::theme::{self, size};

use super::keys;
use crate::blind::AuditionPlayer;

/// Play and pause, and how far the passage is.
pub(super) fn transport(ui: &mut Ui, playing: &mut bool, player: &mut dyn AuditionPlayer) {
    let toggled = keys::free(ui, Key::Space);
    ui.horizontal(|ui| {
        let (text, name) = if *playing { ("Pause", "Pause") } else { ("Play", "Play") };
        let button = ui.add_sized(vec2(64.0, 24.0), egui::Button::new(text));
        button.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, name));
        if button.clicked() || toggled {
            *playing = !*playing;
            player.set_playing(*playing);
        }
        let at = player.position().unwrap_or_default();
        let width = (ui.available_width() - 110.0).max(20.0);
        let (rect, response) = ui.allocate_exact_size(vec2(width, 24.0), Sense::hover());
        let theme = Theme::of(ui);
        let line = rect.shrink2(vec2(0.0, 10.0));
        ui.painter().rect_filled(line, 2, theme.surface);
        let share = if at.length > 0.0 { (at.seconds / at.length).clamp(0.0, 1.0) } else { 0.0 };
        let end = line.left() + line.width() * share as f32;
        ui.painter().rect_filled(line.with_max_x(end), 2, theme.weak);
        ui.painter().circle_filled(pos2(end, line.center().y), 4.0, theme.text);
        response.widget_info(|| {
            WidgetInfo::labeled(egui::accesskit::Role::ProgressIndicator, true, "Position")
        });
        let (rect, _) = ui.allocate_exact_size(vec2(90.0, 24.0), Sense::hover());
        let text = format!("{:.1} / {:.1} s", at.seconds, at.length);
        let at = pos2(rect.right(), rect.center().y);
        ui.painter().text(at, Align2::RIGHT_CENTER, text, theme::body(), theme.weak);
    });
}

/// The way out of a test, which asks once more; whether it was taken.
pub(super) fn way_out(ui: &mut Ui, stopping: &mut bool) -> bool {
    let escape = keys::pressed(ui, Key::Escape);
    let mut left = false;
    ui.horizontal(|ui| {
        let theme = Theme::of(ui);
        if !*stopping {
            *stopping = ui.button("Stop the test  Esc").clicked() || escape;
            return;
        }
        let question = "Stop? Nothing is kept of a test that is not over.";
        ui.label(RichText::new(question).color(theme.alert).size(size::BODY));
        left = ui.button("Stop").clicked() || keys::free(ui, Key::Enter);
        if ui.button("Go on  Esc").clicked() || escape {
            *stopping = false;
        }
    });
    left
}

/// The device runs at another rate than what was made.
pub(super) fn rate_changed(ui: &mut Ui, made: u32, player: &dyn AuditionPlayer) {
    let text = match player.rate() {
        Some(rate) if rate == made => return,
        Some(rate) => format!(
            "The output now runs at {rate} Hz, and what is compared was made for {made} Hz: choose that rate again, or stop and start a new test."
        ),
        None => "No sound is running.".to_owned(),
    };
    ui.label(RichText::new(text).color(Theme::of(ui).alert));
}
