//! While what is to be heard is made.

use egui::{Key, ProgressBar, RichText, Ui};
use residue_engine::models::StepProgress;
use residue_ui::Theme;

use super::{PageRequest, keys};

pub(super) fn show(ui: &mut Ui, progress: StepProgress) -> Option<PageRequest> {
    ui.heading("Making what is to be heard");
    ui.add_space(6.0);
    let theme = Theme::of(ui);
    let StepProgress { step, share } = progress;
    let step = if step.is_empty() { "Starting".into() } else { step };
    ui.label(RichText::new(step).color(theme.weak));
    ui.add(ProgressBar::new(share).desired_height(8.0).fill(theme.weak));
    ui.add_space(6.0);
    let cancelled = ui.button("Cancel  Esc").clicked() || keys::pressed(ui, Key::Escape);
    cancelled.then_some(PageRequest::Stop)
}
