//! Wine with a prefix of its own, in which packages for Windows are tried.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::{bundle, root, run};

/// Prefix of mingw's programs.
const MINGW: &str = "x86_64-w64-mingw32-";
/// Places of Wine: Debian's package without the 32-bit part has it in the first, and its `wine` prints advice about
/// that part, whose absence changes nothing here.
const PLACES: [&str; 3] = ["/usr/lib/wine/wine64", "wine64", "wine"];

/// Returns what running needs and this machine lacks, with the way to install it.
pub fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    if !answers(Command::new(format!("{MINGW}gcc")).arg("--version")) {
        missing.push(format!("{MINGW}gcc (Debian: gcc-mingw-w64-x86-64)"));
    }
    if program().is_none() {
        missing.push("Wine for 64 bits (Debian: wine64), or WINE with its path".to_owned());
    }
    missing
}

/// Whether a program can be run.
pub fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Returns Wine's program, if there is one for 64 bits.
fn program() -> Option<PathBuf> {
    if let Some(named) = env::var_os("WINE").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let works =
        |place: &&str| answers(Command::new(place).arg("--version").env("WINEDEBUG", "-all"));
    PLACES.into_iter().find(works).map(PathBuf::from)
}

/// A prefix in which programs run.
pub struct Wine {
    program: PathBuf,
    prefix: PathBuf,
}

impl Wine {
    /// Makes a prefix anew.
    pub fn fresh(prefix: PathBuf) -> Result<Self> {
        let wine = Self { program: program().context("Wine has been found before")?, prefix };
        // Programs of an earlier run that was interrupted.
        wine.server("-k")?;
        bundle::remove(&wine.prefix)?;
        fs::create_dir_all(&wine.prefix)
            .with_context(|| format!("creating {}", wine.prefix.display()))?;
        run(wine.command("wineboot").arg("--init"))?;
        let library = wine.drive().join("windows/system32/bcryptprimitives.dll");
        if !library.exists() {
            let source = root()?.join("xtask/src/windows/process_prng.c");
            let mut build = Command::new(format!("{MINGW}gcc"));
            run(build
                .args(["-shared", "-Os"])
                .arg(source)
                .arg("-o")
                .arg(&library)
                .arg("-ladvapi32"))?;
        }
        wine.wait()?;
        Ok(wine)
    }

    /// Returns the folder in place of `C:`.
    pub fn drive(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// Returns the command that runs a program of Windows'. It opens no window.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(program).env("WINEPREFIX", &self.prefix);
        // No offers to download Mono and Gecko, no entries in this user's menu, and no remarks on what Wine lacks.
        command
            .env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=")
            .env("WINEDEBUG", "-all");
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").stdin(Stdio::null());
        command
    }

    /// Has Wine pretend to be a version of Windows, such as `win10`.
    pub fn pretend(&self, version: &str) -> Result<()> {
        run(self.command("winecfg").args(["-v", version]))?;
        self.wait()
    }

    /// Waits until all programs in the prefix have ended, and what they changed in its registry is kept.
    pub fn wait(&self) -> Result<()> {
        self.server("-w")
    }

    fn server(&self, option: &str) -> Result<()> {
        let beside = self.program.with_file_name("wineserver");
        let server = if beside.is_file() { beside } else { "wineserver".into() };
        let mut command = Command::new(server);
        // It fails where no server runs.
        command.arg(option).env("WINEPREFIX", &self.prefix).stderr(Stdio::null());
        command.status().map(drop).context("running wineserver")
    }
}

/// Returns a path as programs in a prefix name it: Wine's drive `Z:` is the root.
pub fn windows_path(path: &Path) -> Result<String> {
    Ok(format!("Z:{}", path.to_str().context("the path is not UTF-8")?.replace('/', "\\")))
}
