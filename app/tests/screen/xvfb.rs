//! A screen of the test's own, and hands for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running X server without a graphics card; ends when dropped.
pub struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    /// Starts one on a display that nobody uses.
    pub fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start Xvfb ({error}): install it with ./setup.sh (Debian: xvfb)")
            });
        let mut number = String::new();
        let said = server.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        assert!(display.len() > 1, "Xvfb found no display");
        Self { server, display }
    }

    /// Makes a program show itself here, drawn without a graphics card.
    pub fn show(&self, command: &mut Command) {
        command.env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY");
        command.env("LIBGL_ALWAYS_SOFTWARE", "1");
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("xdotool");
        self.show(&mut command);
        let output = command.args(arguments).output().unwrap_or_else(|error| {
            panic!("cannot start xdotool ({error}): install it with ./setup.sh")
        });
        let failure = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "xdotool {arguments:?}: {failure}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits for a window of this name and gives it the keyboard.
    pub fn focus(&self, name: &str) {
        let pattern = format!("^{name}$");
        let found = self.xdotool(&["search", "--onlyvisible", "--sync", "--name", &pattern]);
        let window = found.lines().next().expect("a window");
        self.xdotool(&["windowfocus", "--sync", window]);
    }

    /// Presses and releases a key.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
