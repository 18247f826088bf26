//! The command line as a user meets it.

mod codecs;
mod codes;
mod commands;
mod exact;
mod folders;
mod outputs;
mod place;
mod signals;
mod terminals;
mod windows_paths;
