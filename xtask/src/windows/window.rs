//! The app's window under Wine: opened on a clip, worked with keys, closed, and its settings found again.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::child::Beside;
use super::screen::VirtualScreen;
use crate::root;
use crate::wine::{Wine, windows_path};

/// Longest time until the window is there.
const OPENS: Duration = Duration::from_secs(120);

/// Opens the window, presses keys, and keeps a picture in `target/wine-window.png`.
pub fn try_keys(wine: &Wine, program: &Path, screen: Option<&VirtualScreen>) -> Result<()> {
    let screen = screen.context("the window has a screen")?;
    let settings = wine.settings().join("residue/window.json");
    crate::bundle::remove(&settings)?;

    let clip = windows_path(&root()?.join("assets/clips/speech.flac"))?;
    let log = fs::File::create(root()?.join("target/wine-window.log")).context("the log")?;
    let mut command = wine.command(program);
    command.arg(clip).stderr(log);
    let mut app = Beside(command.spawn().context("running Wine")?);
    screen.focus("Residue", OPENS)?;
    // Until the model is loaded and the first views are drawn.
    sleep(Duration::from_secs(15));
    for key in ["8", "b", "ctrl+plus"] {
        screen.press(key)?;
        sleep(Duration::from_secs(2));
    }
    let picture = root()?.join("target/wine-window.png");
    screen.picture(&picture)?;
    println!("{}: look at it", picture.display());
    if !app.runs() {
        bail!("the window closed by itself: target/wine-window.log");
    }
    screen.press("alt+F4")?;
    for _ in 0..60 {
        if !app.runs() {
            break;
        }
        sleep(Duration::from_millis(500));
    }
    if app.runs() {
        bail!("the window does not close at Alt+F4");
    }
    let kept = fs::read_to_string(&settings)
        .with_context(|| format!("the settings are not kept in {}", settings.display()))?;
    println!("settings: {} bytes in {}", kept.len(), settings.display());
    Ok(())
}
