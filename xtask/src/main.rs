//! Project tasks that are not plain cargo.
//!
//! `cargo xtask demo` builds Residue and opens it on a demo clip, or compares depths without a display;
//! `cargo xtask bundle` and `install` make plugins of it;
//! `cargo xtask openings` opens and closes the plugin's editor, `picture` keeps what it shows;
//! `cargo xtask sanitize` watches the audio thread with LLVM's RealtimeSanitizer;
//! `cargo xtask loom` model-checks lock-free code;
//! `cargo xtask hosts` tries the VST3 in two hosts from the Python package index;
//! `cargo xtask ci` runs everything a change must pass.

mod bundle;
mod hosts;
mod sanitize;
mod validate;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use bundle::Options;

const USAGE: &str = "usage: cargo xtask <task>

tasks:
  demo [CLIP]   build, and open the app on a demo clip (speech, music or effects), or where there is
                no display compare depths on it; `compare CLIP` does that everywhere
  bundle        build the plugin as CLAP and VST3, in target/bundled
                [--release: the profile dist] [--target TRIPLE]
  install       bundle, and put it where this user's hosts look [--release]
  validate      bundle a release and run the validators that are installed
  openings      open and close the plugin's editor 80 times in each format (Linux) [COUNT]
  picture       play speech through the plugin and keep what its editor shows (Linux)
                [FILE [OPTIONS]]: --size 1060x720, --scale 2, --light, --seconds 9
  sanitize      watch the audio thread with RealtimeSanitizer (Linux; runtime: ./setup.sh)
  loom          model-check the thread pool, in target/loom
  hosts         try the VST3 in pedalboard and dawdreamer (Linux; Python and pip)
  ci            formatting, lints, tests, models, sanitizer, hosts and documentation";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["demo"] => demo("speech"),
        ["demo", clip @ ("speech" | "music" | "effects")] => demo(clip),
        ["compare", clip @ ("speech" | "music" | "effects")] => compare(clip),
        ["bundle", ref options @ ..] => {
            with_options(options, |options| bundle::bundle(options).map(drop))
        }
        ["install", ref options @ ..] => with_options(options, bundle::install),
        ["validate"] => validate::validate(),
        ["openings"] => openings(&["--count", "80"]),
        ["openings", count] => openings(&["--count", count]),
        ["picture"] => openings(&["--picture", "docs/plugin.png"]),
        ["picture", file, ref options @ ..] => openings(&[&["--picture", file], options].concat()),
        ["sanitize"] => sanitize::sanitize(),
        ["loom"] => loom(),
        ["hosts"] => hosts::hosts(),
        ["ci"] => ci(),
        _ => usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> Result<()> {
    bail!("{USAGE}")
}

fn with_options(words: &[&str], task: impl FnOnce(&Options) -> Result<()>) -> Result<()> {
    Options::parse(words).map_or_else(usage, |options| task(&options))
}

/// Builds the app and opens it on a clip; where there is no display, or it cannot be used, compares
/// depths.
fn demo(clip: &str) -> Result<()> {
    if !has_display() {
        return compare(clip);
    }
    let opened = run(build()?.arg("--open").arg(input(clip)));
    opened.or_else(|error| {
        eprintln!("xtask: {error:#}; comparing depths instead");
        compare(clip)
    })
}

/// Builds the command line and compares depths on a clip.
fn compare(clip: &str) -> Result<()> {
    let output = format!("target/demo/{clip}");
    run(build()?.args(["compare", &input(clip), "--output", &output]))
}

/// Whether a window can be seen, as far as the environment says.
fn has_display() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn input(clip: &str) -> String {
    format!("assets/clips/{clip}.flac")
}

/// Builds the program, and is the command that runs it.
fn build() -> Result<Command> {
    cargo(&["build", "--release", "--package", "residue"], &[])?;
    let name = format!("residue{}", env::consts::EXE_SUFFIX);
    Ok(Command::new(Path::new("target/release").join(name)))
}

/// Opens the editor of the plugin, built for speed as people use it.
fn openings(options: &[&str]) -> Result<()> {
    let test = ["test", "--release", "--package", "residue-plugin", "--test", "openings", "--"];
    // The picture's path is the caller's.
    let folder = env::current_dir().context("there is a working directory")?;
    let options: Vec<String> = options
        .iter()
        .map(|option| match option.ends_with(".png") {
            true => folder.join(option).display().to_string(),
            false => (*option).to_owned(),
        })
        .collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    cargo(&[&test[..], &options].concat(), &[])
}

/// Model-checks lock-free code with loom.
fn loom() -> Result<()> {
    let test = ["test", "--package", "residue-kernels", "--release", "--lib", "loom"];
    // A target folder of its own: the flags would have everything in the usual one built again.
    cargo(&test, &[("RUSTFLAGS", "--cfg loom"), ("CARGO_TARGET_DIR", "target/loom")])
}

/// What a change must pass.
fn ci() -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(&lints, &[])?;
    cargo(&["test", "--workspace"], &[])?;
    loom()?;
    if cfg!(target_os = "linux") {
        sanitize::sanitize()?;
        hosts::hosts()?;
    }
    cargo(&["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])
}

fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What cargo tells this program of its package would have build scripts that ask for such
    // variables run again, and all that depends on them built again.
    for (name, _) in env::vars_os() {
        let told = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if told {
            command.env_remove(name);
        }
    }
    run(command.args(arguments).envs(variables.iter().copied()))
}

/// The workspace's root.
fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in a folder")
}

/// Runs a command in the workspace's root.
fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status =
        command.current_dir(root()?).status().with_context(|| format!("running {shown}"))?;
    if !status.success() {
        bail!("{shown} failed: {status}");
    }
    Ok(())
}
