//! The systems that plugins are made for.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::layout::Format;

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Linux and what is like it.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// A system and its processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    pub family: Family,
    /// As Rust calls it: `x86_64`, `aarch64`.
    pub processor: String,
}

impl System {
    /// The one that this runs on.
    pub fn here() -> Result<Self> {
        Self::new(env::consts::OS, env::consts::ARCH)
    }

    /// The one that a target triple names.
    pub fn of_triple(triple: &str) -> Result<Self> {
        let processor = triple.split('-').next().unwrap_or_default();
        let family = ["linux", "darwin", "windows"].into_iter().find(|name| triple.contains(name));
        Self::new(family.unwrap_or(triple), processor)
    }

    fn new(family: &str, processor: &str) -> Result<Self> {
        let family = match family {
            "linux" => Family::Linux,
            "macos" | "darwin" => Family::MacOs,
            "windows" => Family::Windows,
            other => bail!("no bundles are known for {other}; expected Linux, macOS or Windows"),
        };
        Ok(Self { family, processor: processor.to_owned() })
    }

    /// The file that cargo makes of a library.
    pub fn library(&self, name: &str) -> String {
        match self.family {
            Family::Linux => format!("lib{name}.so"),
            Family::MacOs => format!("lib{name}.dylib"),
            Family::Windows => format!("{name}.dll"),
        }
    }

    /// Where a user's hosts look for plugins.
    pub fn plugins(&self, format: Format) -> Result<PathBuf> {
        let folder = |variable: &str| {
            env::var_os(variable)
                .map(PathBuf::from)
                .with_context(|| format!("{variable} is not set"))
        };
        let name = match format {
            Format::Clap => "CLAP",
            Format::Vst3 => "VST3",
        };
        Ok(match self.family {
            Family::Linux => folder("HOME")?.join(format!(".{}", name.to_lowercase())),
            Family::MacOs => folder("HOME")?.join("Library/Audio/Plug-Ins").join(name),
            Family::Windows => {
                folder("LOCALAPPDATA")?.join(Path::new("Programs/Common")).join(name)
            }
        })
    }
}
