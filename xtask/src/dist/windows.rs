//! Packages for Windows: a `.zip`, and an installer made by NSIS.
//!
//! On Windows they are built for its own compiler (msvc), elsewhere with mingw.

mod lists;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::staging::Staging;
use super::{VERSION, build_program, documents, system_target};
use crate::bundle::{self, TargetSystem};
use crate::{root, run, wine};

/// Target of builds on other systems.
pub const CROSS: &str = "x86_64-pc-windows-gnu";
/// Libraries of compilers, which Windows does not have: programs must not need them.
const COMPILERS_OWN: [&str; 4] = ["libgcc", "libstdc++", "libwinpthread", "vcruntime"];

/// How to install from the archive.
const INSTALL: &str = "\
To install for all users, run the installer instead of this archive.\r\n\
\r\n\
From this archive: put the folder anywhere and open residue.exe. For the plugins, copy what is in the folder\r\n\
plugins to where hosts look:\r\n\
\r\n\
  Residue.clap  %CommonProgramFiles%\\CLAP, or for one user %LOCALAPPDATA%\\Programs\\Common\\CLAP\r\n\
  Residue.vst3  %CommonProgramFiles%\\VST3, or for one user %LOCALAPPDATA%\\Programs\\Common\\VST3\r\n";

/// Returns the target that is built where none is named.
pub fn default_target() -> String {
    if cfg!(windows) { system_target() } else { CROSS.to_owned() }
}

/// Builds program and plugins and makes both packages in `folder`; returns their paths.
pub fn packages(folder: &Path, target: &str) -> Result<Vec<PathBuf>> {
    // Before the build, which takes long.
    let makensis = makensis()?;
    let system = TargetSystem::of_triple(target)?;
    // Microsoft's runtime inside the program: Windows does not come with it.
    let flags: &[(&str, &str)] = if target.ends_with("msvc") {
        &[("RUSTFLAGS", "-C target-feature=+crt-static")]
    } else {
        &[]
    };
    let program = build_program(Some(target), flags)?;
    let library = bundle::build_library("dist", Some(target), flags)?;
    for built in [&program, &library] {
        check_imports(built)?;
    }
    let bundles = bundle::bundle_library(&system, &library)?;
    let name = format!("residue-{VERSION}-{}-windows", system.processor);
    let staging = Staging::new(folder.join(&name))?;
    stage(&staging, &program, &bundles)?;
    let archive = archive(folder, &name)?;
    let installer = folder.join(format!("{name}-setup.exe"));
    make_installer(&makensis, folder, staging.root(), &installer)?;
    Ok(vec![installer, archive])
}

/// Puts the files of both packages into their folder.
fn stage(staging: &Staging, program: &Path, bundles: &[PathBuf]) -> Result<()> {
    staging.copy(program, "residue.exe")?;
    for bundle in bundles {
        let name = bundle.file_name().and_then(|name| name.to_str());
        let name = name.context("a bundle has a name")?;
        staging.copy(bundle, &format!("{PLUGINS}/{name}"))?;
    }
    for (name, text) in documents()? {
        // Notepad of older versions shows no lines otherwise, and opens nothing without an extension.
        let name = if name.contains('.') { name.to_owned() } else { format!("{name}.txt") };
        staging.text(&name, &text.replace('\n', "\r\n"))?;
    }
    staging.text("INSTALL.txt", INSTALL)
}

/// Folder of the plugins in the archive.
const PLUGINS: &str = "plugins";

fn archive(folder: &Path, name: &str) -> Result<PathBuf> {
    let package = folder.join(format!("{name}.zip"));
    bundle::remove(&package)?;
    // Windows' own tar writes .zip by the name.
    let mut command = if cfg!(windows) {
        let mut tar = Command::new("tar");
        tar.arg("-a").arg("-cf").arg(&package).arg("-C").arg(folder).arg(name);
        tar
    } else {
        let mut zip = Command::new("sh");
        let script = "cd \"$1\" && exec zip -q -9 -X -r \"$2\" \"$3\"";
        zip.args(["-c", script, "zip"]).arg(folder).arg(&package).arg(name);
        zip
    };
    run(&mut command).context("making the .zip (Debian: zip)")?;
    Ok(package)
}

/// Returns the program that makes installers.
fn makensis() -> Result<PathBuf> {
    let places = [
        env::var_os("MAKENSIS").map(PathBuf::from),
        Some("makensis".into()),
        // Where its own installer puts it.
        env::var_os("ProgramFiles(x86)").map(|folder| Path::new(&folder).join("NSIS/makensis.exe")),
    ];
    let found = places.into_iter().flatten().find(|place| {
        // `-VERSION`, as `/VERSION` is a path on other systems.
        Command::new(place).arg("-VERSION").output().is_ok_and(|output| output.status.success())
    });
    found.context(
        "the installer is made by NSIS (Debian: nsis; elsewhere https://nsis.sourceforge.io), or MAKENSIS with \
         the path of its program makensis",
    )
}

fn make_installer(makensis: &Path, folder: &Path, staging: &Path, package: &Path) -> Result<()> {
    let lists = Staging::new(folder.join("nsis"))?;
    let kibibytes = lists::write(&lists, staging)?;
    let source = root()?;
    let define = |name: &str, value: &dyn std::fmt::Display| format!("-D{name}={value}");
    let mut command = Command::new(makensis);
    if has_64_bit_form(makensis, lists.root()) {
        command.arg("-DSTUB64");
    }
    run(command
        .args(["-V2", "-WX", "-INPUTCHARSET", "UTF8"])
        .arg(define("OUTPUT", &package.display()))
        .arg(define("VERSION", &VERSION))
        .arg(define("KIBIBYTES", &kibibytes))
        .arg(define("SOURCE", &source.display()))
        .arg(define("LISTS", &lists.root().display()))
        .arg(source.join("assets/windows/residue.nsi")))
}

/// Whether this NSIS makes installers that are 64-bit programs: not all have that form.
fn has_64_bit_form(makensis: &Path, folder: &Path) -> bool {
    let output = format!("-XOutFile \"{}\"", folder.join("form.exe").display());
    let mut command = Command::new(makensis);
    command.args(["-V0", "-XTarget amd64-unicode", &output, "-XSection", "-XSectionEnd"]);
    wine::answers(&mut command)
}

/// Fails if a program or a library needs one that comes with a compiler and not with Windows.
fn check_imports(built: &Path) -> Result<()> {
    let content = fs::read(built).with_context(|| format!("reading {}", built.display()))?;
    match COMPILERS_OWN.iter().find(|name| names_library(&content, name)) {
        None => Ok(()),
        Some(name) => bail!(
            "{} needs {name}*.dll, which Windows does not have: link it statically",
            built.display()
        ),
    }
}

/// Whether a file names a library such as `libgcc_s_seh-1.dll`. Imports are zero-terminated names.
fn names_library(content: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    content.windows(name.len()).enumerate().any(|(at, window)| {
        let starts = at > 0 && content[at - 1] == 0;
        let rest = &content[at + name.len()..];
        let end = rest.iter().take(40).position(|byte| *byte == 0);
        starts
            && window.eq_ignore_ascii_case(name)
            && end.is_some_and(|end| rest[..end].to_ascii_lowercase().ends_with(b".dll"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found() {
        let content =
            b"..\0libgcc_s_seh-1.dll\0KERNEL32.dll\0VCRUNTIME140.dll\0 libstdc++ is a word\0";
        let found: Vec<&str> =
            COMPILERS_OWN.into_iter().filter(|name| names_library(content, name)).collect();
        assert_eq!(found, ["libgcc", "vcruntime"]);
    }
}
