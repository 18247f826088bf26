//! A display of a test's own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running X server without a graphics card, which ends when dropped.
pub struct Xvfb {
    server: Child,
    display: String,
}

impl Xvfb {
    /// Starts a server on a free display, with a screen of so many pixels.
    ///
    /// # Panics
    /// If Xvfb is not installed or does not start.
    pub fn start(width: u32, height: u32) -> Self {
        let screen = format!("{width}x{height}x24");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start Xvfb ({error}): install it with ./setup.sh (Debian: xvfb)")
            });
        let mut number = String::new();
        let output = server.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut number).expect("Xvfb writes its number");
        assert!(!number.trim().is_empty(), "Xvfb ended at once");
        Self { server, display: format!(":{}", number.trim()) }
    }

    /// The value of `DISPLAY` for programs that open windows here.
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
