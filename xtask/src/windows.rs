//! Residue for Windows, built on Linux and run under Wine.
//!
//! | part | runs |
//! |---|---|
//! | `engine` | the engine's kernel, parity and streaming tests |
//! | `cli` | the tests of the command line and of the app's devices, and three round trips that must equal this system's |
//! | `plugin` | the plugin in a CLAP host, and projects of earlier versions in both formats |
//! | `openings` | 80 openings of the editor in each format |
//! | `window` | the app's window, worked with keys |
//! | `sound` | WASAPI on a PulseAudio server without hardware |

mod child;
mod roundtrips;
mod screen;
mod sound;
mod suite;
mod window;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::wine::{self, TARGET, Wine};
use crate::{cargo, root};
pub use screen::VirtualScreen;
use suite::SuiteCounts;

/// A part of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowsPart {
    /// Kernel and parity tests alone, for CI.
    Kernels,
    /// The engine's tests.
    Engine,
    /// The command line's tests.
    Cli,
    /// The plugin in hosts.
    Plugin,
    /// The plugin's editor.
    Openings,
    /// The app's window.
    Window,
    /// The app's sound.
    Sound,
}

impl WindowsPart {
    /// The parts that run by default, in this order.
    const ALL: [Self; 6] =
        [Self::Engine, Self::Cli, Self::Plugin, Self::Openings, Self::Window, Self::Sound];

    /// Parses a word of the command line.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "--engine" => Some(Self::Kernels),
            "engine" => Some(Self::Engine),
            "cli" => Some(Self::Cli),
            "plugin" => Some(Self::Plugin),
            "openings" => Some(Self::Openings),
            "window" => Some(Self::Window),
            "sound" => Some(Self::Sound),
            _ => None,
        }
    }

    fn needs_screen(self) -> bool {
        !matches!(self, Self::Kernels | Self::Engine)
    }

    fn run(self, wine: &Wine, screen: Option<&VirtualScreen>) -> Result<Vec<SuiteCounts>> {
        match self {
            Self::Kernels => suite::test(&with(&ENGINE, &[KERNELS, PARITY])),
            Self::Engine => {
                let core = ["--package", "residue-core", "--lib"];
                let suites = [KERNELS, PARITY, &["--test", "streaming"], &core];
                suite::test(&with(&ENGINE, &suites))
            }
            Self::Cli => {
                let counts = suite::test(&with(&FACES, &[&["--lib"], PROGRAM]))?;
                roundtrips::compare(wine, &program()?)?;
                Ok(counts)
            }
            Self::Plugin => suite::test(&with(&FACES, &[&["--test", "host"]])),
            Self::Openings => {
                let long = ["--test", "openings", "--", "--count", "80"];
                suite::test(&with(&FACES, &[&long]))
            }
            Self::Window => window::try_keys(wine, &program()?, screen).map(|()| Vec::new()),
            Self::Sound => sound::compare(wine, &program()?).map(|()| Vec::new()),
        }
    }
}

/// Arguments of cargo that choose the engine, whose tests bring candle as their oracle.
const ENGINE: [&str; 4] = ["--package", "residue-kernels", "--package", "residue-engine"];

/// Arguments of cargo that choose app and plugin: together, so that what they share is built once.
const FACES: [&str; 4] = ["--package", "residue", "--package", "residue-plugin"];

/// Arguments that choose suites.
const KERNELS: &[&str] = &["--test", "kernels"];
const PARITY: &[&str] = &["--test", "parity"];
/// Suites that need the program, so that it is built.
const PROGRAM: &[&str] = &["--test", "cli", "--test", "devices"];

/// Returns arguments of cargo for some suites of packages.
fn with<'a>(packages: &[&'a str], suites: &[&[&'a str]]) -> Vec<&'a str> {
    [packages, &suites.concat()].concat()
}

/// Builds the program as its tests use it, and returns its path.
fn program() -> Result<PathBuf> {
    let build = ["test", "--no-run", "--target", TARGET];
    cargo(&[&build[..], &with(&FACES, &[PROGRAM])].concat(), &[])?;
    Ok(root()?.join("target").join(TARGET).join("debug/residue.exe"))
}

/// Runs parts, by default all. Where something that they need is missing, prints that and runs none.
pub fn windows(parts: &[WindowsPart]) -> Result<()> {
    let missing = wine::missing();
    if !missing.is_empty() {
        println!("windows: left out, because this machine lacks {}", missing.join("; "));
        return Ok(());
    }
    let parts = if parts.is_empty() { &WindowsPart::ALL[..] } else { parts };
    // One for the whole run: a prefix whose first program had none has no windows at all, and VST3 needs some
    // that nobody sees. The engine needs none.
    let screen =
        parts.iter().any(|part| part.needs_screen()).then(VirtualScreen::start).transpose()?;
    let wine = Wine::prepare(screen.as_ref())?;
    let mut counts = Vec::new();
    let mut failures = Vec::new();
    for part in parts {
        match part.run(&wine, screen.as_ref()) {
            Ok(done) => counts.extend(done),
            Err(error) => failures.push(format!("{part:?}: {error:#}")),
        }
    }
    wine.end()?;
    println!("{TARGET} under Wine:");
    for suite in &counts {
        println!("  {suite}");
    }
    if !suite::all_good(&counts) || !failures.is_empty() {
        failures.insert(0, "not everything passed under Wine".to_owned());
        bail!("{}", failures.join("; "));
    }
    Ok(())
}

/// Runs a test program for cargo, which is told to run those of Windows so.
pub fn runner(program: &str, arguments: &[&str]) -> ExitCode {
    suite::run_suite(Path::new(program), arguments).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
