//! Keys that work wherever the focus is, but while something is typed.

use egui::{Key, Modifiers, Ui};
use residue_ui::keys::digit;
use residue_ui::source_strip::shortcut;

use super::panel::Desk;
use super::presets;
use crate::presets::PRESETS;
use crate::settings::{listen, source};

/// D, A and B listen to what they say; X swaps A and B; digits choose presets while no control has the
/// focus, which might take digits itself.
pub fn run(ui: &Ui, desk: &mut Desk) {
    if desk.dialog.is_some() || ui.ctx().text_edit_focused() {
        return;
    }
    let pressed: Vec<Key> = ui.input(|input| {
        let plain = |modifiers: &Modifiers| modifiers.is_none();
        let key = |event: &egui::Event| match event {
            egui::Event::Key { key, pressed: true, repeat: false, modifiers, .. }
                if plain(modifiers) =>
            {
                Some(*key)
            }
            _ => None,
        };
        input.events.iter().filter_map(key).collect()
    });
    let codec = &desk.instance.params.codec;
    for key in pressed {
        let swap = desk.link.get(&codec.swap);
        if key == Key::X {
            desk.link.set(&codec.swap, !swap);
            continue;
        }
        let heard = source(desk.link.get(&codec.listen), swap);
        if let Some(chosen) = shortcut(key, heard) {
            desk.link.set(&codec.listen, listen(chosen, swap));
        } else if ui.memory(|memory| memory.focused().is_none())
            && let Some(preset) = digit(key).and_then(|digit| PRESETS.get(digit.checked_sub(1)?))
        {
            presets::apply(preset, &desk.instance, &mut desk.link);
        }
    }
}
