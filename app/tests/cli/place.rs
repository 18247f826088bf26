//! A folder of its own for each test, and the program in it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use residue_engine::audio::{self, Audio};
use residue_engine_testing::SeededNoise;
use tempfile::TempDir;

/// A miniature checkpoint in the published layout of this name.
pub fn golden(case: &str) -> String {
    root().join("engine/tests/golden").join(case).display().to_string()
}

pub fn root() -> PathBuf {
    // Absolute also where it was built on another system: the program runs in other folders.
    let app = std::path::absolute(env!("CARGO_MANIFEST_DIR")).unwrap();
    app.parent().unwrap().to_owned()
}

pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn residue(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_residue"));
        command.args(arguments).current_dir(self.0.path());
        command.env("RESIDUE_HOME", self.path("home")).env("HF_HOME", self.path("hub"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.residue(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "residue {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with one line that holds all of `parts`.
    pub fn fails(&self, arguments: &[&str], parts: &[&str]) {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "residue {arguments:?}: {errors}");
        let line = errors.trim_end();
        assert!(line.starts_with("residue: ") && !line.contains('\n'), "one line, got `{line}`");
        for part in parts {
            assert!(line.contains(part), "residue {arguments:?} said `{line}`, expected `{part}`");
        }
    }

    /// A second and a half of tones and noise, different on each channel.
    pub fn clip(&self, name: &str, rate: u32, channels: usize) -> Audio {
        let length = rate as usize * 3 / 2 + 17;
        let mut audio = Audio::silence(rate, channels, length);
        for (c, plane) in audio.channels.iter_mut().enumerate() {
            let mut noise = SeededNoise::new(12_345 + c as u32);
            for (n, x) in plane.iter_mut().enumerate() {
                let t = n as f32 / rate as f32;
                *x = 0.3 * (t * (1500.0 + 400.0 * c as f32)).sin() + 0.05 * noise.sample();
            }
        }
        audio::write(&self.path(name), &audio).unwrap();
        audio
    }

    pub fn read(&self, name: &str) -> Audio {
        audio::read(&self.path(name)).unwrap().audio
    }

    /// Names in the folder, in order, without the program's own folders.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| !["home", "hub"].contains(&&**name)).collect();
        names.sort();
        names
    }
}
