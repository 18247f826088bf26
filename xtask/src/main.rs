//! Project tasks that are not plain cargo.
//!
//! `cargo xtask demo` builds Residue and opens it on a demo clip, or compares depths without a display;
//! `cargo xtask bundle` and `install` make plugins of it;
//! `cargo xtask openings` opens and closes the plugin's editor, `picture` saves a picture of it;
//! `cargo xtask sanitize` checks the audio thread with LLVM's RealtimeSanitizer;
//! `cargo xtask corpus` compares what is read from hundreds of audio files with what ffmpeg reads;
//! `cargo xtask loom` model-checks the lock-free code;
//! `cargo xtask hosts` checks the VST3 in two hosts from the Python package index;
//! `cargo xtask dist` makes packages, `notice` the list of libraries in them;
//! `cargo xtask macos` checks app and plugin for macOS, on any system;
//! `cargo xtask deny` checks dependencies with cargo-deny, `cargo xtask fuzz` fuzzes readers of files;
//! `cargo xtask windows` builds Residue for Windows and runs its tests under Wine;
//! `cargo xtask ci` runs everything a change must pass.

mod bundle;
mod dist;
mod hosts;
#[cfg(test)]
mod icons;
#[cfg(test)]
mod identity;
mod macos;
mod notice;
mod sanitize;
mod validate;
mod windows;
mod wine;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use bundle::BundleOptions;
use dist::DistOptions;
use windows::WindowsPart;

const USAGE: &str = "usage: cargo xtask <task>

tasks:
  demo [CLIP]   build, and open the app on a demo clip (speech, music or effects), or where there is
                no display compare depths on it; `compare CLIP` does that everywhere
  bundle        build the plugin as CLAP and VST3, in target/bundled
                [--release: the profile dist] [--target TRIPLE]
  install       bundle, and copy the bundles to where this user's hosts look [--release]
  validate      bundle a release and run the validators that are installed
  openings      open and close the plugin's editor 80 times in each format (Linux) [COUNT]
  picture       play speech through the plugin and save a picture of its editor (Linux)
                [FILE [OPTIONS]]: --size 1060x720, --scale 2, --light, --seconds 9
  sanitize      check the audio thread with RealtimeSanitizer (Linux; runtime: ./setup.sh)
  corpus        make hundreds of audio files, and compare what Residue and ffmpeg read from them
                (ffmpeg, sox, flac, lame, oggenc) [FOLDER]
  loom          model-check the thread pool and the history ring, in target/loom
  hosts         check the VST3 in pedalboard and dawdreamer (Linux; Python and pip)
  dist          make packages of program and plugins, in target/packages
                [--target x86_64-pc-windows-gnu]: for Windows, with mingw and NSIS
                [--try]: and install, use and remove them (Linux): the .deb in a minimal Debian root (root;
                debootstrap), the installer for Windows under Wine
  sums FOLDER   check the sums of packages from several systems, and write one SHA256SUMS beside them
  macos         check app and plugin with clippy for macOS (rustup targets; elsewhere zig from PyPI)
  notice        list the libraries of other projects and their licences, in assets/libraries.txt
  release-notes TAG  print what CHANGELOG says of a version
  deny          check advisories, licences, sources and duplicates with cargo-deny
  fuzz TARGET   fuzz what reads other people's files (nightly, cargo-fuzz) [SECONDS]
  windows       build for Windows and run tests under Wine (Linux; rustup target
                x86_64-pc-windows-gnu, mingw, wine64) [PART..]: engine, cli, plugin,
                openings, window, sound; --engine: kernel and parity tests alone
  ci            formatting, lints, tests, sanitizer, hosts and documentation";

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
        ["corpus"] => corpus("target/corpus"),
        ["corpus", folder] => corpus(folder),
        ["loom"] => loom(),
        ["hosts"] => hosts::hosts(),
        ["dist", ref options @ ..] => {
            DistOptions::parse(options).map_or_else(usage, |options| dist::dist(&options))
        }
        ["sums", folder] => dist::collect(Path::new(folder)),
        ["macos"] => macos::macos(),
        ["notice"] => notice::write(),
        ["release-notes", tag] => dist::release_notes(tag),
        ["deny"] => deny(),
        ["fuzz", target] => fuzz(target, "180"),
        ["fuzz", target, seconds] => fuzz(target, seconds),
        ["windows", ref parts @ ..] => {
            let parts: Option<Vec<_>> = parts.iter().map(|word| WindowsPart::parse(word)).collect();
            parts.map_or_else(usage, |parts| windows::windows(&parts))
        }
        // Cargo runs tests for Windows so.
        ["wine", program, ref arguments @ ..] => return windows::runner(program, arguments),
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

fn with_options(words: &[&str], task: impl FnOnce(&BundleOptions) -> Result<()>) -> Result<()> {
    BundleOptions::parse(words).map_or_else(usage, |options| task(&options))
}

/// Builds the app and opens it on a clip. Without a usable display it compares depths instead.
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

/// Builds the command line, and compares depths on a clip.
fn compare(clip: &str) -> Result<()> {
    let output = format!("target/demo/{clip}");
    run(build()?.args(["compare", &input(clip), "--output", &output]))
}

/// Whether the environment names a display.
fn has_display() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Returns the path of a demo clip.
fn input(clip: &str) -> String {
    format!("assets/clips/{clip}.flac")
}

/// Builds the program with the profile `quick`, and returns the command that runs it.
fn build() -> Result<Command> {
    cargo(&["build", "--profile", "quick", "--package", "residue"], &[])?;
    let name = format!("residue{}", env::consts::EXE_SUFFIX);
    Ok(Command::new(Path::new("target/quick").join(name)))
}

/// Opens the plugin's editor, in a release build.
fn openings(options: &[&str]) -> Result<()> {
    let test = ["test", "--release", "--package", "residue-plugin", "--test", "openings", "--"];
    // The picture's path is relative to the caller's working directory.
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

/// Compares what is read from audio files with what ffmpeg reads.
fn corpus(folder: &str) -> Result<()> {
    let folder = env::current_dir().context("there is a working directory")?.join(folder);
    cargo(&["build", "--workspace", "--example", "corpus"], &[])?;
    let name = format!("corpus{}", env::consts::EXE_SUFFIX);
    run(Command::new(Path::new("target/debug/examples").join(name)).arg(folder))
}

/// Model-checks lock-free code with loom.
fn loom() -> Result<()> {
    // Release, because loom runs thousands of executions; a target folder of its own, because the flag
    // would have everything in the usual one built again.
    let test =
        ["test", "-p", "residue-kernels", "-p", "residue-live", "--release", "--lib", "loom"];
    cargo(&test, &[("RUSTFLAGS", "--cfg loom"), ("CARGO_TARGET_DIR", "target/loom")])
}

/// Checks dependencies with cargo-deny, which `cargo install --locked cargo-deny` makes.
fn deny() -> Result<()> {
    // The test of dependencies counts optional ones too, which cargo-deny leaves out.
    let check = ["--locked", "check", "-A", "unnecessary-skip", "-A", "unmatched-skip"];
    run(Command::new("cargo-deny").args(check))
        .context("cargo-deny checks dependencies; `cargo install --locked cargo-deny` installs it")
}

/// Runs a fuzz target from its seeds for so many seconds, with a nightly compiler and cargo-fuzz.
fn fuzz(target: &str, seconds: &str) -> Result<()> {
    let (corpus, seeds) = (format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}"));
    std::fs::create_dir_all(root()?.join(&corpus)).with_context(|| format!("creating {corpus}"))?;
    let time = format!("-max_total_time={seconds}");
    let features = match target {
        "plugin_state" => "plugin",
        "window_settings" => "app",
        _ => "",
    };
    // Memory and time that reading one small file may take.
    let limits = ["-rss_limit_mb=2048", "-timeout=10", "-max_len=65536"];
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", "run", "--debug-assertions", "--features", features]);
    // This compiler's own variables would choose it for the nightly one too.
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    run(command.args([target, &corpus, &seeds, "--", &time]).args(limits)).context(
        "fuzzing needs `rustup toolchain install nightly --profile minimal` and `cargo install cargo-fuzz`",
    )
}

/// Runs everything that a change must pass.
///
/// Dependencies are built twice and no more: checked for clippy and the documentation, and compiled for
/// the tests, the sanitizer and the hosts. So every command has the features of the whole workspace, and
/// the same profile. Examples are linted and not linked: `cargo test` without a selection of targets would
/// link each of them with the engine.
fn ci() -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(&lints, &[])?;
    cargo(&["test", "--workspace", "--lib", "--bins", "--tests"], &[])?;
    cargo(&["test", "--workspace", "--doc"], &[])?;
    if cfg!(target_os = "linux") {
        sanitize::sanitize()?;
        hosts::hosts()?;
    }
    cargo(&["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])
}

/// Runs cargo with these arguments and environment variables.
fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Build scripts that depend on the variables which cargo sets for this program would run again, and
    // everything that depends on them would be built again.
    for (name, _) in env::vars_os() {
        let told = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if told {
            command.env_remove(name);
        }
    }
    // Builds use the versions of Cargo.lock. `fmt` resolves nothing, and knows no such option.
    let (task, rest) = arguments.split_first().context("cargo has a task")?;
    let locked = (*task != "fmt").then_some("--locked");
    run(command.arg(task).args(locked).args(rest).envs(variables.iter().copied()))
}

/// Returns the workspace's root.
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
