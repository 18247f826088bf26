//! Keys that work with any focus, except while text is typed.

use egui::{Key, Modifiers, Ui};
use residue_ui::keys::digit;
use residue_ui::source_strip::shortcut;

use super::context::EditorContext;
use super::preset_menu;
use crate::port_settings::{listen_choice, listening_source};
use crate::presets::PRESETS;

/// Handles the keys of this frame: D, A and B listen to dry, A and B; X exchanges A and B; digits choose
/// presets while no control has the focus, because a control may take digits itself.
pub fn handle(ui: &Ui, context: &mut EditorContext) {
    if context.dialog.is_some() || ui.ctx().text_edit_focused() {
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
    let codec = &context.instance.params.codec;
    for key in pressed {
        let swap = context.host.get(&codec.swap);
        if key == Key::X {
            context.host.set(&codec.swap, !swap);
            continue;
        }
        let heard = listening_source(context.host.get(&codec.listen), swap);
        if let Some(chosen) = shortcut(key, heard) {
            context.host.set(&codec.listen, listen_choice(chosen, swap));
        } else if ui.memory(|memory| memory.focused().is_none())
            && let Some(preset) = digit(key).and_then(|digit| PRESETS.get(digit.checked_sub(1)?))
        {
            preset_menu::apply(preset, &context.instance, &mut context.host);
        }
    }
}
