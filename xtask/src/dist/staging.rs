//! The files of a package before they are packed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::bundle;

/// A folder that a package's files are put in.
pub struct Staging {
    root: PathBuf,
}

impl Staging {
    /// Makes the folder anew, empty.
    pub fn new(root: PathBuf) -> Result<Self> {
        bundle::remove(&root)?;
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        Ok(Self { root })
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Copies a file or a folder to a place in the package.
    pub fn copy(&self, from: &Path, to: &str) -> Result<()> {
        bundle::copy(from, &self.place(to)?)
    }

    /// Writes a text to a place in the package.
    pub fn text(&self, to: &str, text: &str) -> Result<()> {
        let path = self.place(to)?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Sets the mode of a file in the package.
    #[cfg(unix)]
    pub fn mode(&self, of: &str, mode: u32) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.root.join(of);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .with_context(|| format!("setting the mode of {}", path.display()))
    }

    /// Returns a place's path, with its folder made.
    fn place(&self, to: &str) -> Result<PathBuf> {
        let path = self.root.join(to);
        let folder = path.parent().context("it lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        Ok(path)
    }
}
