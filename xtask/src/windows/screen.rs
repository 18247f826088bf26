//! A display without a screen, its keyboard, and pictures of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::child::Beside;
use crate::run;

/// Size in pixels, large enough for two editors.
const SIZE: &str = "2600x1600";

/// An X server of its own, which ends when dropped.
pub struct VirtualScreen {
    _server: Beside,
    display: String,
}

impl VirtualScreen {
    /// Starts one on a display that nobody uses.
    pub fn start() -> Result<Self> {
        let screen = format!("{SIZE}x24");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting Xvfb; ./setup.sh installs it")?;
        let output = server.stdout.take().context("it is piped")?;
        let server = Beside(server);
        let mut number = String::new();
        BufReader::new(output).read_line(&mut number).context("reading Xvfb's display")?;
        if number.trim().is_empty() {
            bail!("Xvfb ended at once");
        }
        Ok(Self { _server: server, display: format!(":{}", number.trim()) })
    }

    /// The value of `DISPLAY`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Makes a program show itself here, drawn without a graphics card.
    pub fn show<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DISPLAY", &self.display).env("LIBGL_ALWAYS_SOFTWARE", "1")
    }

    /// Waits for a window of this name and gives it the keyboard.
    pub fn focus(&self, name: &str, longest: Duration) -> Result<()> {
        let began = Instant::now();
        let pattern = format!("^{name}$");
        loop {
            let found = self.xdotool(&["search", "--onlyvisible", "--name", &pattern])?;
            if let Some(window) = found.lines().next() {
                self.xdotool(&["windowfocus", "--sync", window])?;
                return Ok(());
            }
            if began.elapsed() > longest {
                bail!("no window {name} after {} s", longest.as_secs());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Presses and releases a key.
    pub fn press(&self, key: &str) -> Result<()> {
        self.xdotool(&["key", key]).map(drop)
    }

    fn xdotool(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("xdotool");
        let output = self.show(&mut command).args(arguments).output();
        // A search that finds nothing fails.
        let output = output.context("running xdotool; ./setup.sh installs it")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Saves a picture of the screen.
    pub fn picture(&self, path: &Path) -> Result<()> {
        let grab =
            ["-y", "-loglevel", "error", "-f", "x11grab", "-video_size", SIZE, "-i", &self.display];
        run(Command::new("ffmpeg").args(grab).args(["-frames:v", "1"]).arg(path))
            .context("taking a picture, for which ffmpeg is needed")
    }
}
