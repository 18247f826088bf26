//! Where sound comes from.

use egui::{Button, RichText, TextEdit, Ui, vec2};
use residue_ui::Theme;
use residue_ui::theme::{self, size};

use crate::studio::{InputKind, LoadedFile, StreamState, Studio, TokenFile};
use crate::window::dialogs::DialogPurpose;
use crate::window::{AppWindow, opening, parts};

/// All inputs.
const INPUTS: [(InputKind, &str, &str); 3] = [
    (InputKind::Microphone, "Microphone", "what the input device hears, live"),
    (InputKind::File, "File", "an audio file"),
    (InputKind::Tokens, "Tokens", "a .npy file of codes, or codes as they arrive on stdin"),
];

pub fn show(ui: &mut Ui, window: &mut AppWindow) {
    parts::heading(ui, "INPUT");
    let input = window.studio.input();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let width = (ui.available_width() - 4.0) / 3.0;
        for (this, name, hint) in INPUTS {
            let button = Button::selectable(this == input, name).min_size(vec2(width, 24.0));
            if ui.add(button).on_hover_text(hint).clicked() {
                choose(window, ui, this);
            }
        }
    });
    match input {
        InputKind::Microphone => microphone(ui, &mut window.studio),
        InputKind::File => file(ui, window),
        InputKind::Tokens => tokens(ui, window),
    }
    path(ui, window);
}

/// Changes to an input: to what was open last, or to what a person chooses now.
fn choose(window: &mut AppWindow, ui: &Ui, input: InputKind) {
    let [audio, codes] = &window.recent;
    let recent = match input {
        InputKind::Microphone => return window.studio.use_microphone(),
        InputKind::File => audio.clone(),
        InputKind::Tokens => codes.clone(),
    };
    match recent {
        Some(path) => opening::open(&mut window.studio, path),
        None => window.ask(ui.ctx(), DialogPurpose::Open),
    }
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

fn file(ui: &mut Ui, window: &mut AppWindow) {
    if let Some(LoadedFile { name, .. }) = window.studio.file() {
        let file = window.studio.file();
        let facts = file.map(|file| {
            let channels = if file.channels() == 1 { "mono" } else { "stereo" };
            let seconds = residue_ui::clock(file.seconds());
            format!("{} {channels}, {seconds}", parts::kilohertz(file.rate()))
        });
        caption(ui, name, &facts.unwrap_or_default());
    }
    open_button(ui, window);
}

fn tokens(ui: &mut Ui, window: &mut AppWindow) {
    if let Some(TokenFile { name, layers, frames, seconds, .. }) = window.studio.token_file() {
        let length = residue_ui::clock(*seconds);
        caption(ui, name, &format!("{layers} layers, {frames} frames, {length}"));
    } else if window.studio.input() == InputKind::Tokens
        && let Some(progress) = window.studio.token_progress()
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
    open_button(ui, window);
}

fn caption(ui: &mut Ui, name: &str, facts: &str) {
    let theme = Theme::of(ui);
    ui.add(egui::Label::new(RichText::new(name).color(theme.text)).truncate()).on_hover_text(name);
    ui.label(RichText::new(facts).color(theme.weak).size(size::SMALL + 1.0));
}

fn open_button(ui: &mut Ui, window: &mut AppWindow) {
    let text = if window.studio.is_opening() { "Opening\u{2026}" } else { "Open\u{2026}" };
    let button = Button::new(text).min_size(vec2(ui.available_width(), 24.0));
    let hint = "any audio file, codes (.npy), or a model's folder (ctrl O)";
    if ui.add_enabled(!window.studio.is_opening(), button).on_hover_text(hint).clicked() {
        window.ask(ui.ctx(), DialogPurpose::Open);
    }
}

/// A path to type, for whoever has no dialog or likes keys better.
fn path(ui: &mut Ui, window: &mut AppWindow) {
    let edit = TextEdit::singleline(&mut window.typed)
        .hint_text("drop a file, or type its path")
        .font(theme::body())
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    response.widget_info(|| {
        let mut info =
            egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Path to open");
        info.current_text_value = Some(window.typed.clone());
        info
    });
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if entered && !window.typed.trim().is_empty() {
        match opening::open_typed(&mut window.studio, &window.typed) {
            Ok(()) => window.typed.clear(),
            Err(notice) => window.tell(ui.ctx(), [notice]),
        }
    }
}
