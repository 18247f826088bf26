//! Plugin bundles in the layout that hosts expect.
//!
//! | | CLAP | VST3 |
//! |---|---|---|
//! | Linux | the library, as `Residue.clap` | `Residue.vst3/Contents/x86_64-linux/Residue.so` |
//! | macOS | `Residue.clap/Contents/MacOS/Residue` with `Info.plist` and `PkgInfo` | the same in `Residue.vst3` |
//! | Windows | the library, as `Residue.clap` | `Residue.vst3/Contents/x86_64-win/Residue.vst3` |

mod layout;
mod property_list;
mod system;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{cargo, root};
use layout::{BundleContent, PluginFormat, entries};

pub use layout::{FORMATS, IDENTIFIER, NAME};
pub use property_list::{OLDEST_MACOS, PropertyValue, property_array, property_list};
pub use system::{OsFamily, TargetSystem};

/// Options of `bundle` and `install`.
#[derive(Debug, Default, PartialEq)]
pub struct BundleOptions {
    release: bool,
    /// Target triple of another system.
    target: Option<String>,
}

impl BundleOptions {
    /// Parses words of the command line; `None` if one of them is unknown.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--release" => options.release = true,
                "--target" => options.target = Some((*words.next()?).to_owned()),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Builds the plugin and bundles it in `target/bundled`. Returns the bundles' paths.
pub fn bundle(options: &BundleOptions) -> Result<Vec<PathBuf>> {
    let system = match &options.target {
        Some(target) => TargetSystem::of_triple(target)?,
        None => TargetSystem::here()?,
    };
    let profile = if options.release { "dist" } else { "dev" };
    let library = build_library(profile, options.target.as_deref(), &[])?;
    bundle_library(&system, &library)
}

/// Builds the plugin's library, for this system or another target, and returns its path.
pub fn build_library(
    profile: &str,
    target: Option<&str>,
    variables: &[(&str, &str)],
) -> Result<PathBuf> {
    let mut arguments = vec!["build", "--package", "residue-plugin", "--lib"];
    arguments.extend(["--profile", profile]);
    arguments.extend(target.iter().flat_map(|target| ["--target", target]));
    cargo(&arguments, variables)?;
    let system = target.map_or_else(TargetSystem::here, TargetSystem::of_triple)?;
    Ok(built(profile, target)?.join(system.library("residue_plugin")))
}

/// Returns the folder in which cargo builds with a profile.
pub fn built(profile: &str, target: Option<&str>) -> Result<PathBuf> {
    let folder = root()?.join("target").join(target.unwrap_or_default());
    Ok(folder.join(if profile == "dev" { "debug" } else { profile }))
}

/// Bundles a library in both formats, in `target/bundled`. Returns the bundles' paths.
pub fn bundle_library(system: &TargetSystem, library: &Path) -> Result<Vec<PathBuf>> {
    let folder = root()?.join("target/bundled");
    let version = env!("CARGO_PKG_VERSION");
    FORMATS.iter().map(|format| write(&folder, *format, system, library, version)).collect()
}

/// Bundles the library that the tests load, whose `process()` is under the allocation guard, in
/// `target/guarded`. Returns the path of the VST3.
pub fn bundle_guarded() -> Result<PathBuf> {
    let system = TargetSystem::here()?;
    // The plugin's library, and the program `residue`, as the tests of the whole workspace build them:
    // after those nothing is built again.
    cargo(&["test", "--workspace", "--test", "host", "--test", "cli", "--no-run"], &[])?;
    let target = root()?.join("target");
    let library = target.join("debug/deps").join(system.library("residue_plugin"));
    write(&target.join("guarded"), PluginFormat::Vst3, &system, &library, env!("CARGO_PKG_VERSION"))
}

/// Bundles, and copies the bundles to where this user's hosts look for plugins.
pub fn install(options: &BundleOptions) -> Result<()> {
    if options.target.is_some() {
        bail!("install is for this computer: leave --target out");
    }
    let system = TargetSystem::here()?;
    for (format, bundle) in FORMATS.iter().zip(bundle(options)?) {
        let folder = system.plugins(*format)?;
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let place = folder.join(bundle.file_name().context("a bundle has a name")?);
        // A host that has the old bundle open keeps it, and finds the new one next time.
        remove(&place)?;
        copy(&bundle, &place)?;
        println!("installed {}", place.display());
    }
    Ok(())
}

/// Writes one bundle, replacing an older one.
fn write(
    folder: &Path,
    format: PluginFormat,
    system: &TargetSystem,
    library: &Path,
    version: &str,
) -> Result<PathBuf> {
    let bundle = folder.join(format.bundle());
    remove(&bundle)?;
    for (path, content) in entries(format, system, version) {
        let path = folder.join(path);
        let parent = path.parent().context("it lies in a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        match content {
            BundleContent::Library => fs::copy(library, &path).map(|_| ()),
            BundleContent::Text(text) => fs::write(&path, text),
        }
        .with_context(|| format!("writing {} from {}", path.display(), library.display()))?;
    }
    println!("bundled {}", bundle.display());
    Ok(bundle)
}

/// Removes a file or a folder, if there is one.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("removing {}", path.display()))
}

/// Copies a file, or a folder with everything in it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let at = || format!("copying {} to {}", from.display(), to.display());
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ()).with_context(at);
    }
    fs::create_dir_all(to).with_context(at)?;
    for entry in fs::read_dir(from).with_context(at)? {
        let entry = entry.with_context(at)?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let parsed = BundleOptions::parse(&["--release", "--target", "x86_64-pc-windows-msvc"]);
        let target = Some("x86_64-pc-windows-msvc".to_owned());
        assert_eq!(parsed, Some(BundleOptions { release: true, target }));
        assert_eq!(BundleOptions::parse(&[]), Some(BundleOptions::default()));
        assert_eq!(BundleOptions::parse(&["--target"]), None);
        assert_eq!(BundleOptions::parse(&["--fast"]), None);
    }

    /// A bundle replaces an older one of another layout without leaving files of it.
    #[test]
    fn bundles_are_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("residue-bundle-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let library = folder.join("built");
        fs::write(&library, b"code").unwrap();
        for triple in ["aarch64-apple-darwin", "x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"]
        {
            let system = TargetSystem::of_triple(triple).unwrap();
            for format in FORMATS {
                let bundle = write(&folder, format, &system, &library, "1.2.3").unwrap();
                let mut files = 0;
                for (path, _) in entries(format, &system, "1.2.3") {
                    assert!(folder.join(&path).is_file(), "{}", path.display());
                    files += 1;
                }
                assert_eq!(count(&bundle), files, "{triple}");
                let copied = folder.join("copy");
                remove(&copied).unwrap();
                copy(&bundle, &copied).unwrap();
                assert_eq!(count(&copied), files);
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    /// Counts the files in a bundle.
    fn count(path: &Path) -> usize {
        match fs::read_dir(path) {
            Ok(entries) => entries.map(|entry| count(&entry.unwrap().path())).sum(),
            Err(_) => 1,
        }
    }
}
