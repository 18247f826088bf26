//! Opening files: audio, codes or a model's folder.

use std::path::{Path, PathBuf};

use super::file_address;
use crate::studio::{Severity, Studio, UserNotice};

/// Opens a file: codes if it is a .npy, a model if it is a folder with a config.json, audio otherwise.
/// It plays as soon as it is there.
pub fn open(studio: &mut Studio, path: PathBuf) {
    if path.join("config.json").is_file() {
        studio.add_model(path);
    } else if is_codes(&path) {
        studio.open_tokens(path);
        studio.play();
    } else {
        studio.open_file(path);
        studio.play();
    }
}

/// Opens a path that a person typed, which may be in quotes, an address that begins with `file:`, or begin with the home folder's sign.
///
/// # Errors
/// If there is nothing at that place, or it is on another computer.
pub fn open_typed(studio: &mut Studio, text: &str) -> Result<(), UserNotice> {
    let text = text.trim().trim_matches(['"', '\'']);
    let in_home =
        text.strip_prefix('~').and_then(|rest| rest.strip_prefix(std::path::is_separator));
    let path = match (file_address::path(text), in_home, dirs::home_dir()) {
        (Some(Ok(path)), ..) => path,
        (Some(Err(error)), ..) => {
            return Err(UserNotice { severity: Severity::Error, text: error.to_string() });
        }
        (None, Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    };
    if !path.exists() {
        let text = format!("{} does not exist; check the path", path.display());
        return Err(UserNotice { severity: Severity::Error, text });
    }
    open(studio, path);
    Ok(())
}

/// Whether a file holds codes, by its name.
pub fn is_codes(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"))
}

/// A folder in `base` that does not exist yet, for the next recording.
pub fn next_recording(base: &Path) -> PathBuf {
    let numbers = 1..=99_999u32;
    let folders = numbers.map(|n| base.join(format!("recording-{n:03}")));
    folders.into_iter().find(|folder| !folder.exists()).unwrap_or_else(|| base.join("recording"))
}

/// The default folder of recordings.
pub fn recordings() -> PathBuf {
    let music = dirs::audio_dir().or_else(dirs::home_dir).unwrap_or_default();
    music.join("Residue")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_by_their_name() {
        assert!(is_codes(Path::new("a/b.npy")) && is_codes(Path::new("B.NPY")));
        assert!(!is_codes(Path::new("npy")) && !is_codes(Path::new("a.wav")));
    }

    #[test]
    fn every_recording_has_a_folder_of_its_own() {
        let base = tempfile::tempdir().unwrap();
        let first = next_recording(base.path());
        assert_eq!(first, base.path().join("recording-001"));
        std::fs::create_dir(&first).unwrap();
        assert_eq!(next_recording(base.path()), base.path().join("recording-002"));
    }
}
