//! Project tasks that are not plain cargo.
//!
//! `cargo xtask demo` builds Residue and hears what its codec does to a demo clip;
//! `cargo xtask bundle` and `install` make plugins of it;
//! `cargo xtask sanitize` watches the audio thread with LLVM's RealtimeSanitizer;
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
  demo [CLIP]   build, and compare depths on a demo clip (speech, music or effects)
  bundle        build the plugin as CLAP and VST3, in target/bundled
                [--release] [--target TRIPLE]
  install       bundle, and put it where this user's hosts look [--release]
  validate      bundle a release and run the validators that are installed
  sanitize      watch the audio thread with RealtimeSanitizer (Linux; runtime: ./setup.sh)
  hosts         try the VST3 in pedalboard and dawdreamer (Linux; Python and pip)
  ci            formatting, lints, tests, sanitizer, hosts and documentation";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["demo"] => demo("speech"),
        ["demo", clip @ ("speech" | "music" | "effects")] => demo(clip),
        ["bundle", ref options @ ..] => {
            with_options(options, |options| bundle::bundle(options).map(drop))
        }
        ["install", ref options @ ..] => with_options(options, bundle::install),
        ["validate"] => validate::validate(),
        ["sanitize"] => sanitize::sanitize(),
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

/// Builds the command line and compares depths on a clip.
fn demo(clip: &str) -> Result<()> {
    cargo(&["build", "--release", "--package", "residue"], &[])?;
    let input = format!("assets/clips/{clip}.flac");
    let output = format!("target/demo/{clip}");
    let residue = Path::new("target/release").join(format!("residue{}", env::consts::EXE_SUFFIX));
    run(Command::new(residue).args(["compare", &input, "--output", &output]))
}

/// What a change must pass.
fn ci() -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(&lints, &[])?;
    cargo(&["test", "--workspace"], &[])?;
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
