//! A screen of the test's own, and hands for it.

use std::process::Command;

use residue_ui_testing::Xvfb;

/// A display with a keyboard; ends when dropped.
pub struct Screen(Xvfb);

impl Screen {
    /// Starts one on a display that nobody uses.
    pub fn start() -> Self {
        Self(Xvfb::start(1280, 800))
    }

    /// Makes a program show itself here, drawn without a graphics card.
    pub fn show(&self, command: &mut Command) {
        command.env("DISPLAY", self.0.display()).env_remove("WAYLAND_DISPLAY");
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
