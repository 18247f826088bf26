//! Bundles of the plugin, as hosts expect to find them.
//!
//! | | CLAP | VST3 |
//! |---|---|---|
//! | Linux | the library, as `Residue.clap` | `Residue.vst3/Contents/x86_64-linux/Residue.so` |
//! | macOS | `Residue.clap/Contents/MacOS/Residue` with `Info.plist` and `PkgInfo` | the same in `Residue.vst3` |
//! | Windows | the library, as `Residue.clap` | `Residue.vst3/Contents/x86_64-win/Residue.vst3` |

mod layout;
mod system;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{cargo, root};
use layout::{Content, FORMATS, Format, entries};
use system::System;

/// How to build.
#[derive(Debug, Default, PartialEq)]
pub struct Options {
    release: bool,
    /// Another system's triple.
    target: Option<String>,
}

impl Options {
    /// From words on the command line; `None` if one of them means nothing.
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

/// Builds the plugin and bundles it in `target/bundled`; gives the bundles.
pub fn bundle(options: &Options) -> Result<Vec<PathBuf>> {
    let mut arguments = vec!["build", "--package", "residue-plugin", "--lib"];
    if options.release {
        arguments.extend(["--profile", "dist"]);
    }
    let mut built = root()?.join("target");
    if let Some(target) = &options.target {
        arguments.extend(["--target", target]);
        built.push(target);
    }
    cargo(&arguments, &[])?;
    built.push(if options.release { "dist" } else { "debug" });
    let system = match &options.target {
        Some(target) => System::of_triple(target)?,
        None => System::here()?,
    };
    let library = built.join(system.library("residue_plugin"));
    let folder = root()?.join("target/bundled");
    let version = env!("CARGO_PKG_VERSION");
    FORMATS.iter().map(|format| write(&folder, *format, &system, &library, version)).collect()
}

/// Bundles the library that tests were built with, whose process() is under the allocation guard, in
/// `target/guarded`; gives the VST3.
pub fn bundle_guarded() -> Result<PathBuf> {
    let system = System::here()?;
    cargo(&["test", "--workspace", "--no-run"], &[])?;
    let target = root()?.join("target");
    let library = target.join("debug/deps").join(system.library("residue_plugin"));
    write(&target.join("guarded"), Format::Vst3, &system, &library, env!("CARGO_PKG_VERSION"))
}

/// Bundles and puts the bundles where hosts of this user look for them.
pub fn install(options: &Options) -> Result<()> {
    if options.target.is_some() {
        bail!("install is for this computer: leave --target out");
    }
    let system = System::here()?;
    for (format, bundle) in FORMATS.iter().zip(bundle(options)?) {
        let folder = system.plugins(*format)?;
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let place = folder.join(bundle.file_name().context("a bundle has a name")?);
        // A host may have the old one open: it keeps that, and finds the new one next time.
        remove(&place)?;
        copy(&bundle, &place)?;
        println!("installed {}", place.display());
    }
    Ok(())
}

/// Writes one bundle, in the place of an older one.
fn write(
    folder: &Path,
    format: Format,
    system: &System,
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
            Content::Library => fs::copy(library, &path).map(|_| ()),
            Content::Text(text) => fs::write(&path, text),
        }
        .with_context(|| format!("writing {} from {}", path.display(), library.display()))?;
    }
    println!("bundled {}", bundle.display());
    Ok(bundle)
}

fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("removing {}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
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
        let parsed = Options::parse(&["--release", "--target", "x86_64-pc-windows-msvc"]);
        let target = Some("x86_64-pc-windows-msvc".to_owned());
        assert_eq!(parsed, Some(Options { release: true, target }));
        assert_eq!(Options::parse(&[]), Some(Options::default()));
        assert_eq!(Options::parse(&["--target"]), None);
        assert_eq!(Options::parse(&["--fast"]), None);
    }

    /// A bundle takes the place of an older one of another shape, and nothing of that is left.
    #[test]
    fn bundles_are_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("residue-bundle-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let library = folder.join("built");
        fs::write(&library, b"code").unwrap();
        for triple in ["aarch64-apple-darwin", "x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"]
        {
            let system = System::of_triple(triple).unwrap();
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

    /// Files in a bundle.
    fn count(path: &Path) -> usize {
        match fs::read_dir(path) {
            Ok(entries) => entries.map(|entry| count(&entry.unwrap().path())).sum(),
            Err(_) => 1,
        }
    }
}
