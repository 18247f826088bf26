//! The source of sound: microphone, file or codes.

use std::path::PathBuf;

use egui::{Button, RichText, TextEdit, Ui, vec2};
use residue_ui::Theme;
use residue_ui::theme::{self, size};

use super::SidebarState;
use crate::studio::{InputKind, LoadedFile, StreamState, Studio, TokenFile};
use crate::window::command::WindowCommand;
use crate::window::dialogs::DialogPurpose;
use crate::window::{opening, parts};

/// All inputs.
const INPUTS: [(InputKind, &str, &str); 3] = [
    (InputKind::Microphone, "Microphone", "what the input device hears, live"),
    (InputKind::File, "File", "an audio file"),
    (InputKind::Tokens, "Tokens", "a .npy file of codes, or codes as they arrive on stdin"),
];

/// Draws it; returns what it asks of the window.
pub fn show(ui: &mut Ui, studio: &mut Studio, state: &mut SidebarState<'_>) -> Vec<WindowCommand> {
    let mut commands = Vec::new();
    parts::heading(ui, "INPUT");
    let input = studio.input();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let width = (ui.available_width() - 4.0) / 3.0;
        for (this, name, hint) in INPUTS {
            let button = Button::selectable(this == input, name).min_size(vec2(width, 24.0));
            if ui.add(button).on_hover_text(hint).clicked() {
                commands.extend(choose(studio, state.recent, this));
            }
        }
    });
    match input {
        InputKind::Microphone => microphone(ui, studio),
        InputKind::File => commands.extend(file(ui, studio)),
        InputKind::Tokens => commands.extend(tokens(ui, studio)),
    }
    commands.extend(path(ui, studio, state.typed));
    commands
}

/// Changes to an input: to what was open last, or to what a person chooses now.
fn choose(
    studio: &mut Studio,
    [audio, codes]: &[Option<PathBuf>; 2],
    input: InputKind,
) -> Option<WindowCommand> {
    let recent = match input {
        InputKind::Microphone => {
            studio.use_microphone();
            return None;
        }
        InputKind::File => audio.clone(),
        InputKind::Tokens => codes.clone(),
    };
    let Some(path) = recent else { return Some(WindowCommand::Choose(DialogPurpose::Open)) };
    opening::open(studio, path);
    None
}

fn microphone(ui: &mut Ui, studio: &mut Studio) {
    let stopped = *studio.stream_state() == StreamState::Stopped;
    let (text, hint) = if stopped {
        ("Start listening", "opens the devices, muted (space)")
    } else {
        ("Stop", "closes the devices")
    };
    let button = Button::new(text).min_size(vec2(ui.available_width(), 28.0));
    if ui.add(button).on_hover_text(hint).clicked() {
        if stopped { studio.start() } else { studio.stop() }
    }
}

fn file(ui: &mut Ui, studio: &Studio) -> Option<WindowCommand> {
    if let Some(LoadedFile { name, .. }) = studio.file() {
        let file = studio.file();
        let facts = file.map(|file| {
            let channels = if file.channels() == 1 { "mono" } else { "stereo" };
            let seconds = residue_ui::clock(file.seconds());
            format!("{} {channels}, {seconds}", parts::kilohertz(file.rate()))
        });
        caption(ui, name, &facts.unwrap_or_default());
    }
    open_button(ui, studio)
}

fn tokens(ui: &mut Ui, studio: &Studio) -> Option<WindowCommand> {
    if let Some(TokenFile { name, layers, frames, seconds, .. }) = studio.token_file() {
        let length = residue_ui::clock(*seconds);
        caption(ui, name, &format!("{layers} layers, {frames} frames, {length}"));
    } else if studio.input() == InputKind::Tokens
        && let Some(progress) = studio.token_progress()
    {
        let heard = parts::count(progress.heard, "frame", "frames");
        let gaps = parts::count(progress.gaps, "gap", "gaps");
        let end = if progress.finished { ", ended" } else { "" };
        caption(
            ui,
            "Frames from stdin",
            &format!("{heard} heard, {} wait, {gaps}{end}", progress.waiting),
        );
    }
    open_button(ui, studio)
}

fn caption(ui: &mut Ui, name: &str, facts: &str) {
    let theme = Theme::of(ui);
    ui.add(egui::Label::new(RichText::new(name).color(theme.text)).truncate()).on_hover_text(name);
    ui.label(RichText::new(facts).color(theme.weak).size(size::SMALL + 1.0));
}

fn open_button(ui: &mut Ui, studio: &Studio) -> Option<WindowCommand> {
    let text = if studio.is_opening() { "Opening\u{2026}" } else { "Open\u{2026}" };
    let button = Button::new(text).min_size(vec2(ui.available_width(), 24.0));
    let hint = "any audio file, codes (.npy), or a model's folder (ctrl O)";
    let response = ui.add_enabled(!studio.is_opening(), button).on_hover_text(hint);
    response.clicked().then_some(WindowCommand::Choose(DialogPurpose::Open))
}

/// A path to type, where there is no dialog.
fn path(ui: &mut Ui, studio: &mut Studio, typed: &mut String) -> Option<WindowCommand> {
    let edit = TextEdit::singleline(typed)
        .hint_text("drop a file, or type its path")
        .font(theme::body())
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    response.widget_info(|| {
        let mut info =
            egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Path to open");
        info.current_text_value = Some(typed.clone());
        info
    });
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if !entered || typed.trim().is_empty() {
        return None;
    }
    match opening::open_typed(studio, typed) {
        Ok(()) => {
            typed.clear();
            None
        }
        Err(notice) => Some(WindowCommand::Notify(notice)),
    }
}
