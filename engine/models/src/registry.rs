//! The folders that the user added, kept in `models.json` in Residue's own folder.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use residue_core::small_file;

use super::folder;
use super::known::EMBEDDED;
use super::{KnownModel, ModelsError, stored_path};

/// Version of the file's layout. A newer one is refused rather than rewritten with less in it.
const VERSION: u32 = 1;

/// Longest name, so that lists stay readable.
const MAX_NAME: usize = 64;

/// A folder that the user added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedModel {
    /// The name to call it by.
    pub name: String,
    /// The folder, absolute.
    #[serde(with = "stored_path")]
    pub folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    models: Vec<AddedModel>,
}

/// The list on disk. Every change rewrites the file in one step; a damaged file is never rewritten.
pub(super) struct Registry {
    path: PathBuf,
}

impl Registry {
    pub(super) fn new(home: &Path) -> Self {
        Self { path: home.join("models.json") }
    }

    /// All folders, in the order they were added.
    pub(super) fn read(&self) -> Result<Vec<AddedModel>, ModelsError> {
        let text = match small_file::read(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(ModelsError::in_home("read", &self.path, e)),
        };
        let content: Content =
            serde_json::from_slice(&text).map_err(|e| self.damaged(e.to_string()))?;
        if content.version != VERSION {
            let problem = format!("version {}, expected {VERSION}", content.version);
            return Err(self.damaged(problem));
        }
        Ok(content.models)
    }

    /// The folder added under `name`, without regard to case.
    pub(super) fn find(&self, name: &str) -> Result<Option<AddedModel>, ModelsError> {
        Ok(self.read()?.into_iter().find(|model| model.name.eq_ignore_ascii_case(name)))
    }

    /// Adds a model folder. Adding the same folder under the same name again changes nothing.
    pub(super) fn add(&self, folder: &Path, name: Option<&str>) -> Result<AddedModel, ModelsError> {
        let folder = whole_path(folder).map_err(|cause| ModelsError::Io {
            action: "read",
            path: folder.to_owned(),
            cause,
        })?;
        folder::model_files(&folder)?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        check_name(&name)?;
        // An alias and its model are one name to those who look it up.
        let name = KnownModel::find(&name).map_or(name, |known| known.name.to_owned());
        let model = AddedModel { name, folder };
        self.change(|models| {
            match models.iter().find(|other| other.name.eq_ignore_ascii_case(&model.name)) {
                Some(same) if same.folder == model.folder => return Ok(()),
                Some(other) => {
                    let AddedModel { name, folder } = other.clone();
                    return Err(ModelsError::NameTaken { name, folder });
                }
                None => models.push(model.clone()),
            }
            Ok(())
        })?;
        Ok(model)
    }

    /// Keeps the name of a repository that was downloaded into `folder`, which no longer changes.
    pub(super) fn add_pulled(&self, name: &str, folder: &Path) -> Result<(), ModelsError> {
        let folder = whole_path(folder).map_err(|cause| ModelsError::Io {
            action: "read",
            path: folder.to_owned(),
            cause,
        })?;
        self.change(|models| {
            let model = AddedModel { name: name.to_owned(), folder };
            models.retain(|other| !other.name.eq_ignore_ascii_case(&model.name));
            models.push(model);
            Ok(())
        })
    }

    /// Forgets a folder; the folder itself stays.
    pub(super) fn remove(&self, name: &str) -> Result<(), ModelsError> {
        self.change(|models| {
            let before = models.len();
            models.retain(|model| !model.name.eq_ignore_ascii_case(name));
            if models.len() == before {
                return Err(ModelsError::NotAdded { name: name.to_owned() });
            }
            Ok(())
        })
    }

    /// Reads, changes and writes, while no other process does.
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<AddedModel>) -> Result<(), ModelsError>,
    ) -> Result<(), ModelsError> {
        let _lock = self.lock()?;
        let before = self.read()?;
        let mut models = before.clone();
        change(&mut models)?;
        if models == before {
            return Ok(());
        }
        let content = serde_json::to_vec_pretty(&Content { version: VERSION, models })
            .map_err(|e| ModelsError::in_home("write", &self.path, e.into()))?;
        folder::write_atomically(&self.path, &content)
            .map_err(|(path, source)| ModelsError::in_home("write", &path, source))
    }

    /// Held until dropped. A file of its own, because the list itself is replaced by every change.
    fn lock(&self) -> Result<File, ModelsError> {
        let path = self.path.with_extension("lock");
        let opened = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| OpenOptions::new().write(true).create(true).truncate(false).open(&path));
        let file = opened.map_err(|e| ModelsError::in_home("create", &path, e))?;
        match file.lock() {
            Err(e) if e.kind() != ErrorKind::Unsupported => {
                Err(ModelsError::in_home("lock", &path, e))
            }
            _ => Ok(file),
        }
    }

    fn damaged(&self, problem: String) -> ModelsError {
        ModelsError::Registry { path: self.path.clone(), problem }
    }
}

/// Names are typed on command lines and kept in projects: plain, short, and not another option.
fn check_name(name: &str) -> Result<(), ModelsError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let problem = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME {
        "it is longer than 64 characters"
    } else if !name.chars().all(plain) {
        "only letters, digits and . _ - are allowed"
    } else if name.starts_with(['.', '-']) {
        "it starts with a dot or a dash"
    } else if name.eq_ignore_ascii_case(EMBEDDED) {
        "it is the model inside the program"
    } else {
        return Ok(());
    };
    Err(ModelsError::BadName { name: name.to_owned(), problem })
}

/// Returns the path of an existing folder without links. On Windows links stay: without them the path would begin
/// with `\\?\`, drives of the network would be servers, and some file systems know no such path.
fn whole_path(folder: &Path) -> std::io::Result<PathBuf> {
    if cfg!(windows) {
        fs::metadata(folder)?;
        return std::path::absolute(folder);
    }
    fs::canonicalize(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["nano", "my-model_2.1", "A"] {
            check_name(good).unwrap();
        }
        for bad in ["", "a b", "a/b", "..", "-x", ".x", "Embedded", "é", &"a".repeat(65)] {
            assert!(matches!(check_name(bad), Err(ModelsError::BadName { .. })), "{bad}");
        }
    }
}
