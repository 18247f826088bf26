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
mod manual;
mod model;
mod models;
mod named_error;
mod output;
mod passes;
mod play;
mod precision;
mod progress;
mod roundtrip;
mod table;

use clap::Parser;

use args::{CliArgs, CliCommand};
use named_error::named;

use crate::window::{self, Launch};

/// Runs the command that the process was started with.
///
/// # Errors
/// With what went wrong and what to do about it.
pub fn run() -> anyhow::Result<()> {
    let CliArgs { command, file, open } = CliArgs::parse();
    let Some(command) = command else {
        let launch = match file.or(open) {
            None => Launch::Empty,
            Some(file) if file.as_os_str() == "-" => Launch::Stdin,
            Some(file) => Launch::File(file),
        };
        return Ok(window::run(launch)?);
    };
    match command {
        CliCommand::Roundtrip(args) => named(roundtrip::run(&args), &args.model.model, &args.input),
        CliCommand::Encode(args) => named(encode::run(&args), &args.model.model, &args.input),
        CliCommand::Decode(args) => named(decode::run(&args), &args.model.model, &args.codes),
        CliCommand::Compare(args) => named(compare::run(&args), &args.model.model, &args.input),
        CliCommand::Precision(args) => named(precision::run(&args), &args.model, &args.input),
        CliCommand::Models(args) => models::run(&args),
        CliCommand::Bench(args) => bench::run(&args),
        CliCommand::Listen(args) => listen::run(&args),
        CliCommand::Devices(args) => devices::run(&args),
        CliCommand::WriteManual(args) => manual::run(&args),
    }
}
