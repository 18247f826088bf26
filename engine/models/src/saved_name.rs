//! Names of models that come from files which somebody else may have written: projects and settings.
//!
//! A person who types a folder's name means it. A project that names one may come from anywhere, so that
//! its name must not open a folder that happens to lie in a program's working directory, nor call a
//! server: on Windows, opening `\\server\share` signs in there.

use std::path::Path;

use super::{EMBEDDED, KnownModel, ModelStore, ModelsError, model_library};

/// Why a model that a saved file names is not loaded unasked.
#[derive(Debug, thiserror::Error)]
pub enum SavedNameError {
    /// No model has this name, or the list of models cannot be read.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// A place that may not be what it seems: somebody has to confirm it.
    #[error("{place} is {problem}, which is opened only after you have agreed")]
    Unconfirmed {
        /// The place as it was saved.
        place: String,
        /// Its kind.
        problem: &'static str,
    },
}

impl ModelStore {
    /// Checks a model's name from a project or a settings file: the embedded and the published models,
    /// names that the user added, and absolute folders on this computer may be loaded unasked. Opens no
    /// place that the name means.
    ///
    /// # Errors
    /// [`SavedNameError::Unconfirmed`] for any other place; [`ModelsError::UnknownModel`] for a name that is
    /// not in the list of models, even if a folder in the working directory has it.
    pub fn check_saved_name(&self, id: &str) -> Result<(), SavedNameError> {
        if id.eq_ignore_ascii_case(EMBEDDED) || KnownModel::find(id).is_some() {
            return Ok(());
        }
        let is_name = !id.contains(['/', '\\', ':']) && !matches!(id, "." | "..");
        if is_name {
            let listed = self.list()?;
            if listed.iter().any(|model| model.id.eq_ignore_ascii_case(id)) {
                return Ok(());
            }
            let known = format!("{EMBEDDED}, {}", KnownModel::names());
            return Err(ModelsError::UnknownModel { spec: id.to_owned(), known }.into());
        }
        // A repository that the user has downloaded.
        if model_library::is_repository(id)
            && self.list()?.iter().any(|model| model.id.eq_ignore_ascii_case(id))
        {
            return Ok(());
        }
        let problem = match is_on_network(id) {
            true => "a place on the network",
            false if Path::new(id).is_absolute() => return Ok(()),
            false => "not a whole path",
        };
        Err(SavedNameError::Unconfirmed { place: id.to_owned(), problem })
    }
}

/// Returns whether opening a path may call another computer: `\\server\share` and device paths in all
/// their spellings, but not `\\?\C:\...`, and the automounter's `/net`. Treated alike on all systems,
/// since projects travel.
fn is_on_network(path: &str) -> bool {
    let is_drive = |rest: &str| matches!(rest.as_bytes(), [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic());
    if path.strip_prefix(r"\\?\").is_some_and(is_drive) {
        return false;
    }
    let slash = |byte: Option<&u8>| matches!(byte, Some(b'/' | b'\\'));
    let bytes = path.as_bytes();
    slash(bytes.first()) && slash(bytes.get(1)) || path.starts_with("/net/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HubSettings, ModelLibrary};

    #[test]
    fn places_are_told_apart() {
        for path in [
            r"\\server\share",
            "//server/share",
            r"\/server/share",
            r"\\?\UNC\server\x",
            r"\\.\pipe\x",
            "/net/server/x",
            r"\\?\pipe\x",
        ] {
            assert!(is_on_network(path), "{path}");
        }
        for path in [r"\\?\C:\models", r"C:\models", "/models", "models/x", "", "/network"] {
            assert!(!is_on_network(path), "{path}");
        }
    }

    #[test]
    fn only_names_that_the_user_knows_and_whole_local_paths_are_loaded_unasked() {
        let home = tempfile::tempdir().unwrap();
        let library = ModelLibrary::new(home.path(), HubSettings::new(home.path().join("hub")));
        let folder = home.path().join("mine");
        std::fs::create_dir(&folder).unwrap();
        for name in ["config.json", "model.safetensors"] {
            std::fs::write(folder.join(name), "{}").unwrap();
        }
        library.add(&folder, Some("mine")).unwrap();
        let store = ModelStore::from(library);
        for id in ["embedded", "Embedded", "nano", "v2", "mine", "MINE", "/some/folder"] {
            store.check_saved_name(id).unwrap();
        }
        // `src` is a folder in the working directory of this test.
        for id in ["src", "emb", ""] {
            let refused = store.check_saved_name(id);
            assert!(
                matches!(refused, Err(SavedNameError::Models(ModelsError::UnknownModel { .. }))),
                "{id}"
            );
        }
        for id in ["./src", "../x", ".", "..", "src/", r"\\server\share", "//server/share", "C:x"] {
            let refused = store.check_saved_name(id);
            assert!(matches!(refused, Err(SavedNameError::Unconfirmed { .. })), "{id}");
        }
    }
}
