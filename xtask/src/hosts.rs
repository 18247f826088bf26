//! VST3 checks in hosts from the Python package index.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::bundle::bundle_guarded;
use crate::{root, run};

/// The hosts, in versions that are known to work.
const REQUIREMENTS: &str = "plugin/tests/requirements.txt";
/// Minor versions of Python 3 for which all hosts have wheels: 3.11 to 3.14.
const MINORS: std::ops::RangeInclusive<u32> = 11..=14;

/// Runs the checks of the VST3 that the tests were built with.
pub fn hosts() -> Result<()> {
    // First, because it fails early where Python is missing.
    let python = environment()?;
    let bundle = bundle_guarded()?;
    let residue = root()?.join("target/debug").join(format!("residue{}", env::consts::EXE_SUFFIX));
    run(Command::new(python).arg("plugin/tests/vst3_hosts.py").arg(bundle).arg(residue))
}

/// Returns the Python of a virtual environment in `target` that has the hosts. Creates the environment
/// where it is missing or has other versions.
fn environment() -> Result<PathBuf> {
    let folder = root()?.join("target/vst3-hosts");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = fs::read_to_string(root()?.join(REQUIREMENTS)).context(REQUIREMENTS)?;
    // Written after everything has been installed.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let base = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    check_version(&base)?;
    run(Command::new(&base).args(["-m", "venv", "--clear"]).arg(&folder)).with_context(|| {
        format!("{base} cannot make virtual environments; run ./setup.sh (Debian: python3-venv)")
    })?;
    let pip =
        ["-m", "pip", "install", "--require-hashes", "--quiet", "--disable-pip-version-check"];
    let install = ["--only-binary", ":all:", "--requirement", REQUIREMENTS];
    run(Command::new(&python).args(pip).args(install)).with_context(|| {
        format!("installing the hosts of {REQUIREMENTS} from the package index")
    })?;
    fs::write(&installed, wanted).with_context(|| format!("writing {}", installed.display()))?;
    Ok(python)
}

/// Fails with a clear message where the package index has no wheels for this Python.
fn check_version(python: &str) -> Result<()> {
    let ask = "import sys; print(*sys.version_info[:2])";
    let answer = Command::new(python)
        .args(["-c", ask])
        .current_dir(root()?)
        .output()
        .with_context(|| format!("running {python}: set PYTHON to a Python 3"))?;
    let answer = String::from_utf8_lossy(&answer.stdout);
    if !supported(&answer) {
        let (least, most) = (MINORS.start(), MINORS.end());
        bail!(
            "{python} is Python {}, for which not all of {} have wheels: set PYTHON to one of \
             3.{least} to 3.{most}",
            answer.trim().replace(' ', "."),
            Path::new(REQUIREMENTS).display()
        );
    }
    Ok(())
}

/// Whether there are wheels for a version, written as `3 11`.
fn supported(version: &str) -> bool {
    let mut numbers = version.split_whitespace().map(str::parse);
    let minor = |numbers: Option<Result<u32, _>>| numbers.and_then(Result::ok);
    numbers.next() == Some(Ok(3))
        && minor(numbers.next()).is_some_and(|minor| MINORS.contains(&minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (version, is) in [
            ("3 11\n", true),
            ("3 14\n", true),
            ("3 10\n", false),
            ("3 15", false),
            ("2 11", false),
        ] {
            assert_eq!(supported(version), is, "{version}");
        }
        assert!(!supported(""));
    }

    /// All requirements are pinned to files with known sums, so that every run uses the same ones.
    #[test]
    fn requirements_are_pinned() {
        for path in [REQUIREMENTS, "assets/training/requirements.txt"] {
            let wanted = fs::read_to_string(root().unwrap().join(path)).unwrap();
            // A requirement and its sums are one line, continued.
            let wanted = wanted.replace("\\\n", "");
            let lines: Vec<&str> =
                wanted.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
            assert!(lines.len() >= 3);
            for line in lines {
                assert!(line.contains("==") && line.contains("--hash=sha256:"), "{path}: {line}");
            }
        }
    }
}
