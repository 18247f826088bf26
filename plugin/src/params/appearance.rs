//! The editor's size and color theme, as saved with a project.

use nice_plug::params::persist::PersistentField;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Smallest width and height of the editor, in points.
pub const MIN_SIZE: [u32; 2] = [960, 640];
/// Largest width and height, in points: beyond any screen, for saved values that make no sense.
const MAX_SIZE: [u32; 2] = [8192, 8192];
/// Width and height before the first resize, in points.
const DEFAULT_SIZE: [u32; 2] = [1060, 720];

/// The editor's size and color theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditorAppearance {
    /// Width in points.
    pub width: u32,
    /// Height in points.
    pub height: u32,
    /// The light theme instead of the dark one.
    pub light: bool,
}

impl Default for EditorAppearance {
    fn default() -> Self {
        Self { width: DEFAULT_SIZE[0], height: DEFAULT_SIZE[1], light: false }
    }
}

impl EditorAppearance {
    /// Clamps the size to its range.
    fn clamped(self) -> Self {
        Self {
            width: self.width.clamp(MIN_SIZE[0], MAX_SIZE[0]),
            height: self.height.clamp(MIN_SIZE[1], MAX_SIZE[1]),
            ..self
        }
    }
}

/// The appearance, as a field of the saved state. The size applies to the next opening: a project that
/// is loaded while the editor is open does not resize its window.
#[derive(Debug, Default)]
pub struct SavedAppearance(Mutex<EditorAppearance>);

impl SavedAppearance {
    /// Returns the saved appearance.
    pub fn get(&self) -> EditorAppearance {
        *self.0.lock()
    }

    /// Changes the saved appearance.
    pub fn change(&self, change: impl FnOnce(&mut EditorAppearance)) {
        let mut appearance = self.0.lock();
        change(&mut appearance);
        *appearance = appearance.clamped();
    }
}

impl PersistentField<'_, EditorAppearance> for SavedAppearance {
    fn set(&self, appearance: EditorAppearance) {
        *self.0.lock() = appearance.clamped();
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&EditorAppearance) -> R,
    {
        f(&self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_sizes_are_clamped() {
        let saved = SavedAppearance::default();
        let read = |text: &str| serde_json::from_str::<EditorAppearance>(text).unwrap();
        saved.set(read(r#"{"width":1200,"light":true,"later":[1]}"#));
        assert_eq!(
            saved.get(),
            EditorAppearance { width: 1200, height: DEFAULT_SIZE[1], light: true }
        );
        saved.set(read(r#"{"width":1,"height":4000000000}"#));
        assert_eq!([saved.get().width, saved.get().height], [MIN_SIZE[0], MAX_SIZE[1]]);
        saved.change(|appearance| appearance.height = 0);
        assert_eq!(saved.get().height, MIN_SIZE[1]);
    }
}
