//! Public plugin validators, where they are installed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::bundle::{BundleOptions, bundle};
use crate::{cargo, hosts, run};

/// A validator.
struct Validator {
    /// Name of the program in the path.
    program: &'static str,
    /// Environment variable with its path, where it is not in the path.
    variable: &'static str,
    /// Arguments before the bundle.
    arguments: &'static [&'static str],
    /// First arguments where there is no display, so that it opens no editor.
    without_display: &'static [&'static str],
    /// Whether it validates CLAP; otherwise VST3.
    clap: bool,
}

const VALIDATORS: [Validator; 3] = [
    Validator {
        program: "clap-validator",
        variable: "CLAP_VALIDATOR",
        arguments: &["validate"],
        without_display: &[],
        clap: true,
    },
    Validator {
        program: "pluginval",
        variable: "PLUGINVAL",
        arguments: &["--strictness-level", "10", "--validate-in-process", "--validate"],
        without_display: &["--skip-gui-tests"],
        clap: false,
    },
    Validator {
        program: "validator",
        variable: "VST3_VALIDATOR",
        arguments: &[],
        without_display: &[],
        clap: false,
    },
];

/// Bundles a release, and runs our own suites and every installed validator. Validators are third-party
/// programs that are built from their public sources: none of them is in a package registry.
pub fn validate() -> Result<()> {
    let release = BundleOptions::parse(&["--release"]).unwrap_or_default();
    let bundles = bundle(&release)?;
    cargo(&["test", "--workspace", "--test", "host", "--test", "measured"], &[])?;
    if cfg!(target_os = "linux") {
        hosts::hosts()?;
    }
    let display = !cfg!(target_os = "linux") || env::var_os("DISPLAY").is_some();
    for validator in &VALIDATORS {
        let Validator { program, variable, arguments, without_display, clap } = validator;
        let first = if display { &[] } else { *without_display };
        match find(program, variable) {
            None => println!("{program} is not installed: put it in the path or set {variable}"),
            Some(found) => {
                let bundle = &bundles[usize::from(!clap)];
                run(Command::new(found).args(first).args(*arguments).arg(bundle))?;
                println!("{program}: passed");
            }
        }
    }
    Ok(())
}

/// Returns the path of a validator, if it is installed.
fn find(program: &str, variable: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Some(path.into());
    }
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(&file)).find(|path| Path::is_file(path))
}
