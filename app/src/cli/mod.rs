//! The command line.

mod args;
mod bench;
mod compare;
pub(crate) mod controls;
mod decode;
mod devices;
mod encode;
mod input;
mod listen;
mod model;
mod models;
mod output;
mod passes;
mod play;
mod precision;
mod progress;
mod roundtrip;
mod table;

use clap::Parser;

use args::{Args, Command};

use crate::window::{self, Launch};

/// Runs the command that the process was started with.
///
/// # Errors
/// With what went wrong and what to do about it.
pub fn run() -> anyhow::Result<()> {
    let Args { command, file, open } = Args::parse();
    let Some(command) = command else {
        let launch = match file.or(open) {
            None => Launch::Empty,
            Some(file) if file.as_os_str() == "-" => Launch::Stdin,
            Some(file) => Launch::File(file),
        };
        return Ok(window::run(launch)?);
    };
    match command {
        Command::Roundtrip(args) => roundtrip::run(&args),
        Command::Encode(args) => encode::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Precision(args) => precision::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Listen(args) => listen::run(&args),
        Command::Devices(args) => devices::run(&args),
    }
}
