//! The systems that bundles are made for.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::layout::PluginFormat;

/// A family of operating systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OsFamily {
    /// Linux and similar systems.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// An operating system and a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSystem {
    pub family: OsFamily,
    /// Architecture in Rust's names: `x86_64`, `aarch64`.
    pub processor: String,
}

impl TargetSystem {
    /// Returns the system that this program runs on.
    pub fn here() -> Result<Self> {
        Self::new(env::consts::OS, env::consts::ARCH)
    }

    /// Returns the system of a target triple.
    pub fn of_triple(triple: &str) -> Result<Self> {
        let processor = triple.split('-').next().unwrap_or_default();
        let family = ["linux", "darwin", "windows"].into_iter().find(|name| triple.contains(name));
        Self::new(family.unwrap_or(triple), processor)
    }

    fn new(family: &str, processor: &str) -> Result<Self> {
        let family = match family {
            "linux" => OsFamily::Linux,
            "macos" | "darwin" => OsFamily::MacOs,
            "windows" => OsFamily::Windows,
            other => bail!("no bundles are known for {other}; expected Linux, macOS or Windows"),
        };
        Ok(Self { family, processor: processor.to_owned() })
    }

    /// Returns the file name of a dynamic library.
    pub fn library(&self, name: &str) -> String {
        match self.family {
            OsFamily::Linux => format!("lib{name}.so"),
            OsFamily::MacOs => format!("lib{name}.dylib"),
            OsFamily::Windows => format!("{name}.dll"),
        }
    }

    /// Returns the folder where a user's hosts look for plugins.
    pub fn plugins(&self, format: PluginFormat) -> Result<PathBuf> {
        let folder = |variable: &str| {
            env::var_os(variable)
                .map(PathBuf::from)
                .with_context(|| format!("{variable} is not set"))
        };
        let name = match format {
            PluginFormat::Clap => "CLAP",
            PluginFormat::Vst3 => "VST3",
        };
        Ok(match self.family {
            OsFamily::Linux => folder("HOME")?.join(format!(".{}", name.to_lowercase())),
            OsFamily::MacOs => folder("HOME")?.join("Library/Audio/Plug-Ins").join(name),
            OsFamily::Windows => {
                folder("LOCALAPPDATA")?.join(Path::new("Programs/Common")).join(name)
            }
        })
    }
}
