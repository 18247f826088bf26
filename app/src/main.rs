//! Residue: hear what a neural codec leaves behind.
//!
//! A thin face over [`residue_engine`]: arguments in, files and tables out.

mod cli;
mod picture;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever the chain of causes.
            eprintln!("residue: {}", format!("{error:#}").replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}
