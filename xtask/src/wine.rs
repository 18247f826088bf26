//! Wine with prefixes of its own, in which programs and packages for Windows run.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::windows::VirtualScreen;
use crate::{bundle, root, run};

/// Target triple that is built.
pub const TARGET: &str = "x86_64-pc-windows-gnu";
/// Environment variable with the display of windows.
const DISPLAY: &str = "RESIDUE_WINE_DISPLAY";
/// Prefix of mingw's programs.
const MINGW: &str = "x86_64-w64-mingw32-";
/// Environment variable that names another `wine`.
const VARIABLE: &str = "WINE";
/// Places of Wine: Debian's package without the 32-bit part has it in the first, and its `wine` prints advice about
/// that part, whose absence changes nothing here.
const PLACES: [&str; 3] = ["/usr/lib/wine/wine64", "wine64", "wine"];

/// Name of the user in the prefix, whose folders so have a space and umlauts in their paths.
const USER: &str = "Jürgen Größe";

/// Returns what building for Windows and running needs and this machine lacks, with the way to install it.
pub fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    if !has_target() {
        missing.push(format!("the target {TARGET} (rustup target add {TARGET})"));
    }
    for (program, package) in [("gcc", "gcc-mingw-w64-x86-64"), ("g++", "g++-mingw-w64-x86-64")] {
        if !answers(Command::new(format!("{MINGW}{program}")).arg("--version")) {
            missing.push(format!("{MINGW}{program} (Debian: {package})"));
        }
    }
    if program().is_none() {
        missing.push(format!("Wine for 64 bits (Debian: wine64), or {VARIABLE} with its path"));
    }
    missing
}

/// Whether the compiler has the target's standard library.
fn has_target() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let print = ["--print", "target-libdir", "--target", TARGET];
    let output = Command::new(rustc).args(print).output();
    output.is_ok_and(|output| {
        output.status.success()
            && Path::new(String::from_utf8_lossy(&output.stdout).trim_end()).is_dir()
    })
}

/// Whether a program can be run.
pub fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Returns Wine's program, if there is one for 64 bits.
fn program() -> Option<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let works =
        |place: &&str| answers(Command::new(place).arg("--version").env("WINEDEBUG", "-all"));
    let found = PLACES.into_iter().find(works);
    found.map(PathBuf::from)
}

/// A prefix in which programs run.
pub struct Wine {
    program: PathBuf,
    prefix: PathBuf,
    /// The display of its desktop, in an environment variable that suites inherit.
    display: Option<OsString>,
}

impl Wine {
    /// Returns the prefix in `target/wine`, which is made where it is missing.
    pub fn prepare(screen: Option<&VirtualScreen>) -> Result<Self> {
        if let Some(screen) = screen {
            // SAFETY: this program has no other thread yet.
            unsafe { env::set_var(DISPLAY, screen.display()) };
        }
        let wine = Self::existing()?;
        // Of an earlier run, whose desktop has another display.
        wine.end()?;
        // Made last, so that it tells a prefix that is complete.
        let made = wine.prefix.join("residue-made");
        if !made.exists() {
            wine.make()?;
            fs::write(&made, "")?;
        }
        Ok(wine)
    }

    /// Makes a prefix anew, whose programs open no window.
    pub fn fresh(prefix: PathBuf) -> Result<Self> {
        let program = program().context("Wine has been found before")?;
        let wine = Self { program, prefix, display: None };
        // Programs of an earlier run that was interrupted.
        wine.end()?;
        wine.make()?;
        Ok(wine)
    }

    fn make(&self) -> Result<()> {
        bundle::remove(&self.prefix)?;
        fs::create_dir_all(&self.prefix)
            .with_context(|| format!("creating {}", self.prefix.display()))?;
        run(self.command("wineboot").arg("--init"))?;
        let library = self.drive().join("windows/system32/bcryptprimitives.dll");
        if !library.exists() {
            let source = root()?.join("xtask/src/windows/process_prng.c");
            let mut build = Command::new(format!("{MINGW}gcc"));
            let build = build.args(["-shared", "-Os"]).arg(source).arg("-o").arg(&library);
            run(build.arg("-ladvapi32"))?;
        }
        // Windows shares each drive so; Wine looks for shares in this folder.
        let shares = self.prefix.join("dosdevices/unc/localhost");
        fs::create_dir_all(&shares).with_context(|| format!("creating {}", shares.display()))?;
        #[cfg(unix)]
        std::os::unix::fs::symlink(self.drive(), shares.join("C$")).context("linking the drive")?;
        self.wait()
    }

    /// As [`prepare`](Self::prepare), for a prefix that was made by this run.
    pub fn existing() -> Result<Self> {
        let program = program().context("Wine has been found before")?;
        Ok(Self { program, prefix: root()?.join("target/wine"), display: env::var_os(DISPLAY) })
    }

    /// Returns the folder in place of `C:`.
    pub fn drive(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// Returns the folder in which programs keep a user's settings, `%APPDATA%`.
    pub fn settings(&self) -> PathBuf {
        self.drive().join("users").join(USER).join("AppData/Roaming")
    }

    /// Returns the command that runs a program of Windows'.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(program).env("WINEPREFIX", &self.prefix);
        command.env("USER", USER).env("LC_ALL", "C.UTF-8");
        // No offers to download Mono and Gecko, no entries in this user's menu, and no remarks on what Wine lacks.
        command
            .env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=")
            .env("WINEDEBUG", "-all");
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").stdin(Stdio::null());
        if let Some(display) = &self.display {
            command.env("DISPLAY", display).env("LIBGL_ALWAYS_SOFTWARE", "1");
        }
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

    /// Ends all programs in the prefix.
    pub fn end(&self) -> Result<()> {
        self.server("-k")
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
    let text = path.to_str().context("the path is not UTF-8")?;
    if !path.is_absolute() {
        bail!("{text} is relative");
    }
    Ok(format!("Z:{}", text.replace('/', "\\")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_get_a_drive() {
        assert_eq!(windows_path(Path::new("/a b/é.wav")).unwrap(), r"Z:\a b\é.wav");
        assert!(windows_path(Path::new("a")).is_err());
    }
}
