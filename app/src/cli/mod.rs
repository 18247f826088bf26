//! The command line.

mod args;
mod bench;
mod bench_instances;
mod compare;
mod comparison_folder;
pub(crate) mod controls;
mod decode;
mod devices;
mod encode;
mod exact;
mod input;
mod interruption;
mod json_path;
mod lanes;
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

use std::process::ExitCode;

use clap::Parser;

use args::{CliArgs, CliCommand};
use interruption::Interruption;
use named_error::named;

use crate::console;
use crate::terminal;
use crate::window::{self, Launch};

/// Runs the command that the process was started with, and tells on stderr what went wrong and what to do about it.
pub fn run() -> ExitCode {
    let Err(error) = command() else { return ExitCode::SUCCESS };
    if let Some(interruption) = error.downcast_ref::<Interruption>() {
        terminal::note(interruption);
        return interruption.exit_code().into();
    }
    // The reader of the output has closed it.
    if terminal::is_unread(&error) {
        return ExitCode::SUCCESS;
    }
    terminal::fail(&error);
    ExitCode::FAILURE
}

fn command() -> anyhow::Result<()> {
    let CliArgs { command, file, open } = CliArgs::parse();
    if command.is_none() {
        console::close_own();
    }
    interruption::watch()?;
    let Some(command) = command else {
        let launch = match file.or(open) {
            None => Launch::Empty,
            Some(file) if file.as_os_str() == "-" => Launch::Stdin,
            Some(file) => Launch::File(file),
        };
        // A person who opens a file by a click has no console.
        return Ok(
            window::run(launch).inspect_err(|error| console::show_unread(&error.to_string()))?
        );
    };
    match command {
        // These two name the codec of an error themselves: they may run several.
        CliCommand::Roundtrip(args) => roundtrip::run(&args),
        CliCommand::Compare(args) => compare::run(&args),
        CliCommand::Encode(args) => named(encode::run(&args), &args.model.model, &args.input),
        CliCommand::Decode(args) => named(decode::run(&args), &args.model.model, &args.codes),
        CliCommand::Precision(args) => named(precision::run(&args), &args.model, &args.input),
        CliCommand::Models(args) => models::run(&args),
        CliCommand::Bench(args) => bench::run(&args),
        CliCommand::Listen(args) => listen::run(&args),
        CliCommand::Devices(args) => devices::run(&args),
        CliCommand::WriteManual(args) => manual::run(&args),
    }
}
