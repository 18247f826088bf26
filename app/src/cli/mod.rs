//! The command line.

mod args;
mod bench;
mod compare;
mod decode;
mod devices;
mod drawing;
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

/// Runs the command that the process was started with.
///
/// # Errors
/// With what went wrong and what to do about it.
pub fn run() -> anyhow::Result<()> {
    match Args::parse().command {
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
