//! RealtimeSanitizer of LLVM, over a test that plays sessions on a port.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cargo;

/// Plays sessions on a port under RealtimeSanitizer.
pub fn sanitize() -> Result<()> {
    let archive = match env::var("RTSAN_LIB_PATH") {
        Ok(path) if !path.is_empty() => PathBuf::from(path),
        _ => sanitizer_runtime().context(
            "no libclang_rt.rtsan archive in /usr/lib/llvm-*; run ./setup.sh, or set \
             RTSAN_LIB_PATH to one of LLVM 19 or newer",
        )?,
    };
    let archive = archive.to_str().context("the archive's path is not UTF-8")?;
    // The whole workspace, so that what its tests were built of is not built again in another way.
    cargo(&["test", "--workspace", "--test", "sanitizer"], &[("RTSAN_LIB_PATH", archive)])
}

/// LLVM's archive where Debian and its relatives put it, of the newest version there is.
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
