//! Wine with a prefix of its own, `target/wine`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::screen::Screen;
use crate::{root, run};

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

/// Returns what building and running needs and this machine lacks, with the way to install it.
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
fn answers(command: &mut Command) -> bool {
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
    pub fn prepare(screen: Option<&Screen>) -> Result<Self> {
        if let Some(screen) = screen {
            // SAFETY: this program has no other thread yet.
            unsafe { env::set_var(DISPLAY, screen.display()) };
        }
        let wine = Self::existing()?;
        // Of an earlier run, whose desktop has another display.
        wine.end()?;
        let library = wine.prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
        // Made last, so that it tells a prefix that is complete.
        let made = wine.prefix.join("residue-made");
        if made.exists() {
            return Ok(wine);
        }
        crate::bundle::remove(&wine.prefix)?;
        fs::create_dir_all(&wine.prefix).context("creating the prefix")?;
        run(wine.command(Path::new("wineboot")).arg("--init"))?;
        if !library.exists() {
            let source = "xtask/src/windows/process_prng.c";
            let output = library.as_os_str();
            let mut build = Command::new(format!("{MINGW}gcc"));
            run(build.args(["-shared", "-Os", source, "-o"]).arg(output).arg("-ladvapi32"))?;
        }
        // Windows shares each drive so; Wine looks for shares in this folder.
        let shares = wine.prefix.join("dosdevices/unc/localhost");
        fs::create_dir_all(&shares).with_context(|| format!("creating {}", shares.display()))?;
        #[cfg(unix)]
        std::os::unix::fs::symlink(wine.drive(), shares.join("C$")).context("linking the drive")?;
        wine.wait()?;
        fs::write(&made, "")?;
        Ok(wine)
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
    pub fn command(&self, program: &Path) -> Command {
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
