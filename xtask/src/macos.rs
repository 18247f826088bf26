//! The app and the plugin, checked by clippy for macOS on any system.
//!
//! Libraries in C need a compiler that has macOS' headers. On other systems it is zig's, from the Python
//! package `ziglang`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::{cargo, root};

/// Both processors of universal programs.
pub const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];

/// Checks both targets. Where something that they need is missing, prints that and checks none.
pub fn macos() -> Result<()> {
    let missing = missing();
    if !missing.is_empty() {
        println!("macos: left out, because this machine lacks {}", missing.join("; "));
        return Ok(());
    }
    for target in TARGETS {
        let compiler = if cfg!(target_os = "macos") { None } else { Some(compiler(target)?) };
        let variable = format!("CC_{}", target.replace('-', "_"));
        let path = compiler.as_ref().map(|path| path.to_str().context("the path is not UTF-8"));
        let path = path.transpose()?;
        let variables: Vec<(&str, &str)> = path.iter().map(|path| (&*variable, *path)).collect();
        let clippy = ["clippy", "--target", target, "--lib", "--bins"];
        let packages = ["--package", "residue", "--package", "residue-plugin"];
        let lints = ["--", "-D", "warnings"];
        cargo(&[&clippy[..], &packages, &lints].concat(), &variables)?;
        println!("macos: {target} is clean");
    }
    Ok(())
}

/// Returns what checking needs and this machine lacks, with the way to install it.
fn missing() -> Vec<String> {
    let mut missing: Vec<String> = TARGETS
        .iter()
        .filter(|target| !has_target(target))
        .map(|target| format!("the target {target} (rustup target add {target})"))
        .collect();
    if !cfg!(target_os = "macos") && !has_zig() {
        let python = python();
        missing.push(format!("zig ({python} -m pip install ziglang; PYTHON names another Python)"));
    }
    missing
}

/// Whether the compiler has the target's standard library.
pub fn has_target(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let print = ["--print", "target-libdir", "--target", target];
    let output = Command::new(rustc).args(print).output();
    output.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout);
        output.status.success() && Path::new(folder.trim_end()).is_dir()
    })
}

fn python() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn has_zig() -> bool {
    let mut zig = Command::new(python());
    let quiet = zig.args(["-m", "ziglang", "version"]).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Writes the script that compiles C for a target, and returns its path.
fn compiler(target: &str) -> Result<PathBuf> {
    let folder = root()?.join("target/macos");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join(format!("cc-{target}"));
    fs::write(&path, script(target, &python()))
        .with_context(|| format!("writing {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("setting the mode of {}", path.display()))?;
    }
    Ok(path)
}

/// Returns a script that calls zig without the options of Apple's compiler that it does not know.
fn script(target: &str, python: &str) -> String {
    let processor = target.split('-').next().unwrap_or_default();
    format!(
        "#!/bin/sh\n\
         n=$#\n\
         while [ \"$n\" -gt 0 ]; do\n  \
         case $1 in\n    \
         --target=* | -mmacosx-version-min=* | -gfull) ;;\n    \
         *) set -- \"$@\" \"$1\" ;;\n  \
         esac\n  \
         shift\n  \
         n=$((n - 1))\n\
         done\n\
         exec '{python}' -m ziglang cc -target {processor}-macos \"$@\"\n"
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_script_drops_what_zig_does_not_know() {
        // `sh` in place of Python prints what zig would get: `sh -m ziglang ...` runs no such file.
        let script = script("aarch64-apple-darwin", "printf").replace("' -m", "' '[%s]' -m");
        let arguments = ["--target=arm64-apple-macosx", "-c", "a b.c", "-gfull", "-O2"];
        let output = Command::new("sh").args(["-c", &script, "cc"]).args(arguments).output();
        let printed = String::from_utf8(output.unwrap().stdout).unwrap();
        assert_eq!(printed, "[-m][ziglang][cc][-target][aarch64-macos][-c][a b.c][-O2]");
    }
}
