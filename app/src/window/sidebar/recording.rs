//! Recording what is heard, each lane, and the codes.

use std::path::Path;

use egui::{Button, RichText, Ui, vec2};
use residue_ui::Theme;
use residue_ui::theme::size;

use crate::studio::{StreamState, Studio};
use crate::window::command::WindowCommand;
use crate::window::dialogs::DialogPurpose;
use crate::window::parts;

/// Draws it for recordings that go into `folder`; returns what it asks of the window.
pub fn show(ui: &mut Ui, studio: &Studio, folder: &Path) -> Option<WindowCommand> {
    let mut command = None;
    let theme = Theme::of(ui);
    parts::heading(ui, "RECORD");
    let recording = studio.recording().cloned();
    let running = matches!(studio.stream_state(), StreamState::Running(_));
    let (text, hint) = match &recording {
        Some(_) => ("End recording", "ends the recording (R)"),
        None => (
            "Record",
            "what is heard, dry, A and B as WAV and the codes as .npy, in a folder of its own (R)",
        ),
    };
    let color = if recording.is_some() { theme.alert } else { theme.text };
    let button =
        Button::new(RichText::new(text).color(color)).min_size(vec2(ui.available_width(), 26.0));
    let enabled = recording.is_some() || running;
    let response = ui.add_enabled(enabled, button).on_hover_text(hint);
    let disabled = "no sound is running: start listening or play a file first";
    if response.on_disabled_hover_text(disabled).clicked() {
        command = Some(WindowCommand::Record);
    }
    let small = |text: String, color| RichText::new(text).color(color).size(size::SMALL + 1.0);
    match &recording {
        Some(state) => {
            let text = format!(
                "{} in {}, {}",
                residue_ui::clock(state.seconds()),
                parts::folder(&state.folder),
                parts::count(state.frames, "frame of codes", "frames of codes")
            );
            ui.label(small(text, theme.text));
            if state.dropped_samples > 0 {
                let text = format!("{} samples found no room: silent", state.dropped_samples);
                ui.label(small(text, theme.alert));
            }
        }
        None => {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = size::GAP;
                let hint = "choose another folder for recordings";
                if parts::word(ui, "Folder\u{2026}", "Recordings folder", hint) {
                    command = Some(WindowCommand::Choose(DialogPurpose::Recordings));
                }
                let folder = parts::folder(folder);
                let label =
                    egui::Label::new(small(format!("into {folder}"), theme.weak)).truncate();
                ui.add(label);
            });
        }
    }
    command
}
