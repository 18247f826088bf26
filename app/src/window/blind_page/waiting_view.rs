//! While what is to be heard is made.

use egui::{Key, ProgressBar, RichText, Ui};
use residue_ui::Theme;

use super::{PageRequest, keys};

pub(super) fn show(ui: &mut Ui, (what, share): (String, f32)) -> Option<PageRequest> {
    ui.heading("Making what is to be heard");
    ui.add_space(6.0);
    let theme = Theme::of(ui);
    let what = if what.is_empty() { "Starting".into() } else { what };
    ui.label(RichText::new(what).color(theme.weak));
    ui.add(ProgressBar::new(share).desired_height(8.0).fill(theme.weak));
    ui.add_space(6.0);
    let cancelled = ui.button("Cancel  Esc").clicked() || keys::pressed(ui, Key::Escape);
    cancelled.then_some(PageRequest::Stop)
}
