//! LLVM's RealtimeSanitizer over the test that plays sessions on a port and on the plugin.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cargo;

/// Runs the sessions under RealtimeSanitizer.
pub fn sanitize() -> Result<()> {
    let archive = match env::var("RTSAN_LIB_PATH") {
        Ok(path) if !path.is_empty() => PathBuf::from(path),
        _ => sanitizer_runtime().context(
            "no libclang_rt.rtsan archive in /usr/lib/llvm-*; run ./setup.sh, or set \
             RTSAN_LIB_PATH to one of LLVM 19 or newer",
        )?,
    };
    let archive = archive.to_str().context("the archive's path is not UTF-8")?;
    // With the features of the whole workspace, so that the crates that its tests use are not built again.
    cargo(&["test", "--workspace", "--test", "sanitizer"], &[("RTSAN_LIB_PATH", archive)])
}

/// Returns LLVM's newest archive in the folders of Debian and its relatives.
fn sanitizer_runtime() -> Option<PathBuf> {
    let name = format!("libclang_rt.rtsan-{}.a", env::consts::ARCH);
    let version = |path: &Path| -> Option<(u32, PathBuf)> {
        let version = path.file_name()?.to_str()?.strip_prefix("llvm-")?;
        let archive = path.join("lib/clang").join(version).join("lib/linux").join(&name);
        Some((version.parse().ok()?, archive)).filter(|(_, archive)| archive.exists())
    };
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders.filter_map(|entry| version(&entry.path())).max().map(|(_, archive)| archive)
}
