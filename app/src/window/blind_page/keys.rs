//! Keys that a view takes before its widgets do.

use egui::{Key, Modifiers, Ui};

/// Whether `key` was pressed alone and nothing that could use it has the focus.
pub(super) fn free(ui: &Ui, key: Key) -> bool {
    let focused = ui.memory(|memory| memory.focused()).is_some();
    !focused && ui.input_mut(|input| input.consume_key(Modifiers::NONE, key))
}

/// Whether `key` was pressed alone, wherever the focus is; for keys that mean nothing to buttons.
pub(super) fn pressed(ui: &Ui, key: Key) -> bool {
    ui.input_mut(|input| input.consume_key(Modifiers::NONE, key))
}
