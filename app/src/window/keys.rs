//! What keys do in the whole window.

use egui::{Context, Event, Key, Modifiers};
use residue_engine::live::{ListeningSource, PortSettings};
use residue_ui::keys::digit;
use residue_ui::source_strip;

use super::page::Page;
use crate::studio::{Input, StreamState, Studio};

/// A key or several, and what they do, for the help page.
pub const TABLE: [(&str, &str); 17] = [
    ("Space", "play or pause a file; start a microphone, then mute or unmute it"),
    ("M", "mute or unmute"),
    ("D  A  B", "listen to dry, lane A, lane B"),
    ("X", "the other one of A and B"),
    ("1 \u{2013} 9", "that many layers, in the lane that is heard (A unless it is B)"),
    ("Shift + 1 \u{2013} 9", "that many layers, in the other lane"),
    ("0", "all layers"),
    (",  .", "a layer less, a layer more"),
    ("L", "repeat the whole file, or nothing"),
    ("[  ]", "the loop begins, ends here"),
    ("F", "freeze the last frame"),
    ("R", "start or end a recording"),
    ("Ctrl + O", "open audio (any file), codes (.npy) or a model (a folder)"),
    ("Ctrl + 1 \u{2013} 4", "listen, blind test, models, help"),
    ("F1", "help"),
    ("Ctrl + \u{2212}  +  0", "smaller, larger, as it was"),
    ("Tab, arrows", "go to a control, change it; typing on a knob enters a value"),
];

/// What is left to the window to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Show a page.
    Show(Page),
    /// Ask for a file.
    Open,
    /// Start or end a recording.
    Record,
}

/// Who else wants keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// A knob that digits are typed on.
    pub digits: bool,
    /// Something that space or S presses.
    pub presses: bool,
}

/// Does what keys say, before anything is drawn: a key that means something is not seen by controls.
pub fn apply(ctx: &Context, page: Page, taken: Taken, studio: &mut Studio) -> Option<Command> {
    if let Some(command) = with_ctrl(ctx) {
        return Some(command);
    }
    if ctx.text_edit_focused() || page == Page::Blind {
        return None;
    }
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let before = *studio.settings();
    let mut settings = before;
    for key in [Key::D, Key::A, Key::B, Key::X] {
        if pressed(key)
            && let Some(source) = source_strip::shortcut(key, settings.source)
        {
            settings.source = source;
        }
    }
    if pressed(Key::F) {
        settings.frames.freeze = !settings.frames.freeze;
    }
    let layers = studio.model().facts.as_ref().map_or(usize::MAX, |facts| facts.layers);
    if !taken.digits {
        for (digit, shift) in digits(ctx) {
            let lane = lane(&settings) ^ usize::from(shift);
            settings.frames.depths[lane] = if digit == 0 { layers } else { digit.min(layers) };
        }
        let depth = &mut settings.frames.depths[lane(&before)];
        if pressed(Key::Comma) {
            *depth = (*depth).min(layers).saturating_sub(1).max(1);
        }
        if pressed(Key::Period) {
            *depth = (*depth).min(layers).saturating_add(1).min(layers);
        }
    }
    if settings != before {
        studio.set_settings(settings);
    }
    if pressed(Key::M) {
        studio.set_muted(!studio.muted());
    }
    if !taken.presses && pressed(Key::Space) {
        space(studio);
    }
    transport(studio, &pressed);
    pressed(Key::R).then_some(Command::Record)
}

fn with_ctrl(ctx: &Context) -> Option<Command> {
    ctx.input_mut(|input| {
        let pages = [Key::Num1, Key::Num2, Key::Num3, Key::Num4];
        for (key, page) in pages.into_iter().zip(Page::ALL) {
            if input.consume_key(Modifiers::COMMAND, key) {
                return Some(Command::Show(page));
            }
        }
        if input.consume_key(Modifiers::NONE, Key::F1) {
            return Some(Command::Show(Page::Help));
        }
        input.consume_key(Modifiers::COMMAND, Key::O).then_some(Command::Open)
    })
}

/// The lane that depth keys turn: the one that is heard, A for what is neither.
fn lane(settings: &PortSettings) -> usize {
    usize::from(matches!(settings.source, ListeningSource::B | ListeningSource::DryMinusB))
}

/// Digits that were pressed, with or without shift. By their place on the keyboard where shift makes
/// something else of them, or where digits need it.
fn digits(ctx: &Context) -> Vec<(usize, bool)> {
    let mut pressed = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key { key, physical_key, pressed: true, modifiers, .. } = event else {
                return true;
            };
            if modifiers.command || modifiers.alt || modifiers.ctrl {
                return true;
            }
            match digit(*key).or_else(|| physical_key.and_then(digit)) {
                Some(digit) => {
                    pressed.push((digit, modifiers.shift));
                    false
                }
                None => true,
            }
        });
        if !pressed.is_empty() {
            // Else a knob with the focus would begin to type.
            input.events.retain(|event| !matches!(event, Event::Text(_)));
        }
    });
    pressed
}

fn space(studio: &mut Studio) {
    if let Some(transport) = studio.transport() {
        if transport.playing { studio.pause() } else { studio.play() }
    } else if *studio.stream_state() == StreamState::Stopped {
        studio.start();
    } else if studio.input() == Input::Microphone {
        studio.set_muted(!studio.muted());
    }
}

fn transport(studio: &mut Studio, pressed: &impl Fn(Key) -> bool) {
    let Some(transport) = studio.transport() else { return };
    let (start, end) = transport.loop_region.unwrap_or((0.0, transport.length_s));
    if pressed(Key::L) {
        let region = transport.loop_region.is_none().then_some((0.0, transport.length_s));
        studio.set_loop(region);
    }
    if pressed(Key::OpenBracket) && transport.position_s < end {
        studio.set_loop(Some((transport.position_s, end)));
    }
    if pressed(Key::CloseBracket) && transport.position_s > start {
        studio.set_loop(Some((start, transport.position_s)));
    }
}
