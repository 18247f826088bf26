//! Packages for people who do not build Residue.
//!
//! | system | packages |
//! |---|---|
//! | Linux | `.deb`, and `.tar.gz` with an install script for one user |
//! | Windows | `.zip`, and an installer made by NSIS |
//!
//! All lie in `target/packages`, are made from the profile `dist` and named with version and target, and
//! `SHA256SUMS` there has their sums.

mod linux;
mod staging;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::bundle::{self, BundleOptions};
use crate::{cargo, root, run};

/// The version of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Builds program and plugins and makes this system's packages.
pub fn dist() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!(
            "packages are made on Linux so far; `cargo xtask bundle --release` makes the plugins"
        );
    }
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    let build = ["build", "--profile", "dist", "--package", "residue"];
    cargo(&build, &[("RESIDUE_COMMIT", &commit)])?;
    let program = root()?.join("target/dist/residue");
    let bundles = bundle::bundle(&BundleOptions::release())?;
    let folder = root()?.join("target/packages");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let packages = linux::packages(&folder, &program, &bundles)?;
    write_sums(&folder, &packages)
}

/// Makes the packages, and installs, uses and removes the `.deb` in a minimal Debian root.
pub fn try_packages() -> Result<()> {
    dist()?;
    cargo(&["test", "--workspace", "--test", "openings", "--no-run"], &[])?;
    let folder = root()?.join("target/packages");
    let deb = newest(&folder, |name| name.ends_with(".deb"))?;
    let openings = |name: &str| name.starts_with("openings-") && !name.ends_with(".d");
    let host = newest(&root()?.join("target/debug/deps"), openings)?;
    run(Command::new("scripts/try_deb.sh").arg(deb).arg(host))
}

/// Returns the newest file of a folder with a fitting name.
fn newest(folder: &Path, fits: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let fitting = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(&fits));
    let newest = fitting.max_by_key(|entry| entry.metadata().and_then(|it| it.modified()).ok());
    Ok(newest.with_context(|| format!("nothing fitting in {}", folder.display()))?.path())
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

/// Writes `SHA256SUMS`, in the form that `sha256sum --check` reads.
fn write_sums(folder: &Path, packages: &[PathBuf]) -> Result<()> {
    let names = packages.iter().filter_map(|package| package.file_name());
    let output = Command::new("sha256sum").args(names).current_dir(folder).output();
    let output = output.context("running sha256sum")?;
    if !output.status.success() {
        bail!("sha256sum failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    fs::write(folder.join("SHA256SUMS"), &output.stdout).context("writing SHA256SUMS")?;
    for package in packages {
        let bytes = fs::metadata(package)?.len();
        println!("{} ({:.1} MB)", package.display(), bytes as f64 / 1e6);
    }
    Ok(())
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
    fn notes_of_a_version_end_where_the_next_begins() {
        let changelog = "# Changelog\n\n## 0.2.0 (unreleased)\n\n- new\n\n## 0.1.0\n\n- old\n";
        assert_eq!(section(changelog, "0.2.0"), Some("- new"));
        assert_eq!(section(changelog, "0.1.0"), Some("- old"));
        assert_eq!(section(changelog, "0.3.0"), None);
    }
}
