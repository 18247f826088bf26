//! Playing a file: play, loop, time, waveform; for a microphone, what runs.

use egui::{Button, Rect, RichText, Ui, UiBuilder, vec2};
use residue_ui::theme::size;
use residue_ui::{Theme, Timeline, WaveformAction, clock, waveform};

use super::parts;
use super::parts::ButtonSign;
use crate::studio::{InputKind, LoadedFile, StreamState, Studio};

/// Height of the waveform with its axis, in points.
const WAVEFORM: f32 = 58.0;

/// Draws the transport of a file; returns the room of its waveform, which does nothing with the space bar.
pub fn show(ui: &mut Ui, studio: &mut Studio) -> Option<Rect> {
    match studio.input() {
        InputKind::Microphone => None,
        InputKind::File | InputKind::Tokens => file(ui, studio),
    }
}

fn file(ui: &mut Ui, studio: &mut Studio) -> Option<Rect> {
    let theme = Theme::of(ui);
    let Some(transport) = studio.transport() else {
        let text = match (studio.is_opening(), studio.token_progress()) {
            (true, _) => "Reading the file\u{2026}",
            (false, Some(_)) => "Codes are decoded as they arrive.",
            (false, None) => "Drop an audio file or codes (.npy) here, or open one at the left.",
        };
        ui.label(RichText::new(text).color(theme.weak));
        return None;
    };
    let before = transport.loop_region;
    let row = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = size::GAP;
        ui.vertical(|ui| {
            ui.set_width(122.0);
            ui.horizontal(|ui| {
                let (sign, name) = if transport.playing {
                    (ButtonSign::Pause, "Pause")
                } else {
                    (ButtonSign::Play, "Play")
                };
                if parts::sign(ui, sign, name, "space").clicked() {
                    if transport.playing { studio.pause() } else { studio.play() }
                }
                let start = transport.loop_region.map_or(0.0, |(start, _)| start);
                if parts::sign(ui, ButtonSign::Start, "To the start", "of the file, or of its loop")
                    .clicked()
                {
                    studio.seek(start);
                }
                let button = Button::selectable(transport.loop_region.is_some(), "Loop");
                let hint = "repeats everything (L); drag across the waveform for a part";
                if ui.add(button).on_hover_text(hint).clicked() {
                    let all = Some((0.0, transport.length_s));
                    studio.set_loop(if before.is_some() { None } else { all });
                }
            });
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 3.0;
                ui.label(RichText::new(clock(transport.position_s)).size(size::VALUE));
                ui.label(
                    RichText::new(format!("of {}", clock(transport.length_s))).color(theme.weak),
                );
            });
        });
        let timeline = Timeline {
            position: transport.position_s,
            length: transport.length_s,
            region: transport.loop_region,
        };
        let peaks = match studio.input() {
            InputKind::File => studio.file().map(|LoadedFile { peaks, .. }| peaks.clone()),
            _ => None,
        };
        let room = vec2(ui.available_width(), WAVEFORM);
        let (rect, _) = ui.allocate_exact_size(room, egui::Sense::hover());
        let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
        let (response, action) = waveform(&mut inside, peaks.as_deref().unwrap_or(&[]), &timeline);
        match action {
            Some(WaveformAction::Seek(seconds)) => studio.seek(seconds),
            Some(WaveformAction::Loop(region)) => studio.set_loop(region),
            None => {}
        }
        response.rect
    });
    Some(row.inner)
}

/// The state of the devices, in words.
pub fn state(stream: &StreamState) -> String {
    match stream {
        StreamState::Stopped => "Stopped".to_owned(),
        StreamState::Starting => "Starting\u{2026}".to_owned(),
        StreamState::Running(facts) => {
            let shape = &facts.shape;
            let rate = parts::kilohertz(shape.rate);
            format!("{}, {rate}, {} frames", shape.host, shape.buffer)
        }
        StreamState::Lost { .. } => "No devices".to_owned(),
    }
}
