//! What a project keeps of the editor.

use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Smallest and largest size, in points.
pub const MIN_SIZE: [u32; 2] = [960, 640];
/// Larger than any screen; what is saved may be anything.
const MAX_SIZE: [u32; 2] = [8192, 8192];
/// Size of an editor that nobody has resized.
const SIZE: [u32; 2] = [1060, 720];

/// Size and look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditorLook {
    /// Points.
    pub width: u32,
    /// Points.
    pub height: u32,
    /// Dark on light.
    pub light: bool,
}

impl Default for EditorLook {
    fn default() -> Self {
        Self { width: SIZE[0], height: SIZE[1], light: false }
    }
}

impl EditorLook {
    /// With a size that can be.
    fn sane(self) -> Self {
        Self {
            width: self.width.clamp(MIN_SIZE[0], MAX_SIZE[0]),
            height: self.height.clamp(MIN_SIZE[1], MAX_SIZE[1]),
            ..self
        }
    }
}

/// The look, as a field of the saved state. Its size is that of the next opening: a project that is
/// loaded while the editor is open does not move the window.
#[derive(Debug, Default)]
pub struct SavedEditor(Mutex<EditorLook>);

impl SavedEditor {
    /// What is saved.
    pub fn get(&self) -> EditorLook {
        *self.0.lock()
    }

    /// Changes what is saved.
    pub fn change(&self, change: impl FnOnce(&mut EditorLook)) {
        let mut look = self.0.lock();
        change(&mut look);
        *look = look.sane();
    }
}

impl PersistentField<'_, EditorLook> for SavedEditor {
    fn set(&self, look: EditorLook) {
        *self.0.lock() = look.sane();
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&EditorLook) -> R,
    {
        f(&self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_comes_back_within_reason() {
        let saved = SavedEditor::default();
        let read = |text: &str| serde_json::from_str::<EditorLook>(text).unwrap();
        saved.set(read(r#"{"width":1200,"light":true,"later":[1]}"#));
        assert_eq!(saved.get(), EditorLook { width: 1200, height: SIZE[1], light: true });
        saved.set(read(r#"{"width":1,"height":4000000000}"#));
        assert_eq!([saved.get().width, saved.get().height], [MIN_SIZE[0], MAX_SIZE[1]]);
        saved.change(|look| look.height = 0);
        assert_eq!(saved.get().height, MIN_SIZE[1]);
    }
}
