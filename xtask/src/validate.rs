//! Public validators, where they are installed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::bundle::{Options, bundle};
use crate::{cargo, hosts, run};

/// A validator: its program, the variable that says where it is if not in the path, and its words
/// before the bundle.
struct Validator {
    program: &'static str,
    variable: &'static str,
    words: &'static [&'static str],
    /// What it is told first where there is no display, so that it opens no editor.
    without_display: &'static [&'static str],
    /// CLAP, or VST3.
    clap: bool,
}

const VALIDATORS: [Validator; 3] = [
    Validator {
        program: "clap-validator",
        variable: "CLAP_VALIDATOR",
        words: &["validate"],
        without_display: &[],
        clap: true,
    },
    Validator {
        program: "pluginval",
        variable: "PLUGINVAL",
        words: &["--strictness-level", "10", "--validate-in-process", "--validate"],
        without_display: &["--skip-gui-tests"],
        clap: false,
    },
    Validator {
        program: "validator",
        variable: "VST3_VALIDATOR",
        words: &[],
        without_display: &[],
        clap: false,
    },
];

/// Bundles a release and runs the suites of our own and every validator that is there. They are
/// programs of others, built from their public sources: none of them is in a package registry.
pub fn validate() -> Result<()> {
    let release = Options::parse(&["--release"]).unwrap_or_default();
    let bundles = bundle(&release)?;
    cargo(&["test", "--workspace", "--test", "host", "--test", "measured"], &[])?;
    if cfg!(target_os = "linux") {
        hosts::hosts()?;
    }
    let display = !cfg!(target_os = "linux") || env::var_os("DISPLAY").is_some();
    for validator in &VALIDATORS {
        let Validator { program, variable, words, without_display, clap } = validator;
        let first = if display { &[] } else { *without_display };
        match find(program, variable) {
            None => println!("{program} is not installed: put it in the path or set {variable}"),
            Some(found) => {
                let bundle = &bundles[usize::from(!clap)];
                run(Command::new(found).args(first).args(*words).arg(bundle))?;
                println!("{program}: passed");
            }
        }
    }
    Ok(())
}

fn find(program: &str, variable: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Some(path.into());
    }
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(&file)).find(|path| Path::is_file(path))
}
