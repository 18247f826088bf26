//! Packages for people who do not build Residue.
//!
//! | system | packages | made on |
//! |---|---|---|
//! | Linux | `.deb`, and `.tar.gz` with an install script for one user | Linux |
//! | Windows | an installer, made by NSIS, and `.zip` | Windows; elsewhere with mingw |
//! | macOS | `.pkg` for both processors | macOS |
//!
//! All lie in `target/packages`, are made from the profile `dist` and named with version and target, and
//! `SHA256SUMS` there has their sums. Each holds the licences and `NOTICE`.

mod linux;
mod macos;
mod staging;
mod sums;
mod trial;
mod windows;

use std::env::consts::{ARCH, EXE_SUFFIX};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::bundle::{self, OsFamily, TargetSystem};
use crate::{cargo, notice, root, run};

pub use sums::collect;

/// The version of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Options of `dist`.
#[derive(Debug, Default, PartialEq)]
pub struct DistOptions {
    /// Target triple of another system.
    target: Option<String>,
    /// Installs, uses and removes what was made.
    trial: bool,
}

impl DistOptions {
    /// Parses words of the command line; `None` if one of them is unknown.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--try" => options.trial = true,
                "--target" => options.target = Some((*words.next()?).to_owned()),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Makes the packages of this system or another target. Trials on Linux are of its own packages and of those for
/// Windows, unless a target is named.
pub fn dist(options: &DistOptions) -> Result<()> {
    match (&options.target, options.trial) {
        (target, false) => packages(target.as_deref()).map(drop),
        (None, true) if cfg!(target_os = "linux") => {
            trial::linux(&packages(None)?)?;
            let missing = trial::missing();
            if missing.is_empty() {
                return trial::windows(&packages(Some(windows::CROSS))?);
            }
            println!(
                "dist: Windows is left out, because this machine lacks {}",
                missing.join("; ")
            );
            Ok(())
        }
        (target, true) => {
            let system =
                target.as_deref().map_or_else(TargetSystem::here, TargetSystem::of_triple)?;
            let missing = trial::missing();
            if system.family != OsFamily::Windows || !cfg!(target_os = "linux") {
                bail!("packages are tried on Linux: its own, and those for Windows under Wine");
            }
            if !missing.is_empty() {
                bail!("this machine lacks {}", missing.join("; "));
            }
            trial::windows(&packages(target.as_deref())?)
        }
    }
}

/// Makes the packages of a target, by default this system's, and their sums; returns their paths.
fn packages(target: Option<&str>) -> Result<Vec<PathBuf>> {
    let system = target.map_or_else(TargetSystem::here, TargetSystem::of_triple)?;
    let folder = root()?.join("target/packages");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let packages = match (system.family, target) {
        (OsFamily::Linux, Some(target)) => bail!(
            "packages for {target} are made on such a system, without --target: they name the libraries there"
        ),
        (OsFamily::Linux, None) => {
            let program = build_program(None, &[])?;
            let library = bundle::build_library("dist", None, &[])?;
            linux::packages(&folder, &program, &bundle::bundle_library(&system, &library)?)?
        }
        (OsFamily::Windows, target) => {
            windows::packages(&folder, target.unwrap_or(&windows::default_target()))?
        }
        (OsFamily::MacOs, _) => macos::packages(&folder)?,
    };
    sums::write(&folder, &packages)?;
    for package in &packages {
        let bytes = fs::metadata(package)?.len();
        println!("{} ({:.1} MB)", package.display(), bytes as f64 / 1e6);
    }
    Ok(packages)
}

/// Builds the program with the commit in it, and returns its path.
fn build_program(target: Option<&str>, variables: &[(&str, &str)]) -> Result<PathBuf> {
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    let mut build = vec!["build", "--profile", "dist", "--package", "residue"];
    build.extend(["--features", "reference"]);
    build.extend(target.iter().flat_map(|target| ["--target", target]));
    cargo(&build, &[variables, &[("RESIDUE_COMMIT", &*commit)]].concat())?;
    let suffix = match target {
        None => EXE_SUFFIX,
        Some(target) if target.contains("windows") => ".exe",
        Some(_) => "",
    };
    Ok(bundle::built("dist", target)?.join(format!("residue{suffix}")))
}

/// Returns the target triple of this system's own compiler on Windows.
fn system_target() -> String {
    let compiler = if cfg!(target_env = "gnu") { "gnu" } else { "msvc" };
    format!("{ARCH}-pc-windows-{compiler}")
}

/// Returns the names and contents of the documents that every package holds.
fn documents() -> Result<Vec<(&'static str, String)>> {
    let mut documents = Vec::new();
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "CHANGELOG.md"] {
        let path = root()?.join(name);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        documents.push((name, text));
    }
    documents.push(("NOTICE", notice::text()?));
    Ok(documents)
}

/// Prints what CHANGELOG says of the version that a tag names, such as `v0.2.0`.
pub fn release_notes(tag: &str) -> Result<()> {
    if tag.strip_prefix('v') != Some(VERSION) {
        bail!("the tag is {tag}, and the workspace's version is {VERSION}: change one of them");
    }
    let path = root()?.join("CHANGELOG.md");
    let changelog =
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let notes = section(&changelog, VERSION);
    println!("{}", notes.with_context(|| format!("CHANGELOG.md has no section of {VERSION}"))?);
    Ok(())
}

/// Returns the text of a version's section, without its title.
fn section<'a>(changelog: &'a str, version: &str) -> Option<&'a str> {
    let start = changelog.find(&format!("\n## {version}"))? + 1;
    let text = changelog[start..].split_once('\n')?.1;
    Some(text.split("\n## ").next().unwrap_or(text).trim())
}

/// Returns the first line that a git command prints.
fn git(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(root()?).output();
    let output = output.context("running git")?;
    if !output.status.success() {
        bail!("git {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        assert_eq!(DistOptions::parse(&[]), Some(DistOptions::default()));
        let target = Some("x86_64-pc-windows-gnu".to_owned());
        let parsed = DistOptions::parse(&["--target", "x86_64-pc-windows-gnu", "--try"]);
        assert_eq!(parsed, Some(DistOptions { target, trial: true }));
        assert_eq!(DistOptions::parse(&["--target"]), None);
        assert_eq!(DistOptions::parse(&["--fast"]), None);
    }

    #[test]
    fn notes_of_a_version_end_where_the_next_begins() {
        let changelog = "# Changelog\n\n## 0.2.0 (unreleased)\n\n- new\n\n## 0.1.0\n\n- old\n";
        assert_eq!(section(changelog, "0.2.0"), Some("- new"));
        assert_eq!(section(changelog, "0.1.0"), Some("- old"));
        assert_eq!(section(changelog, "0.3.0"), None);
    }
}
