//! Residue: hear what a neural codec leaves behind.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use residue_app::cli;

fn main() -> ExitCode {
    cli::run()
}
