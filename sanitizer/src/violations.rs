//! What an audio thread must not do, done on purpose to see that it is found.

use std::hint::black_box;
use std::process::{Command, ExitCode};

/// A violation's name and how to commit it.
type Violation = (&'static str, fn());

const ALL: [Violation; 2] = [
    ("allocate", || drop(black_box(vec![0u8; 1000]))),
    ("write", || drop(black_box(std::fs::write("/dev/null", "hello")))),
];

/// Commits the violation of that name; returns if it was not found.
pub fn commit(name: &str, watch: &dyn Fn(&mut dyn FnMut())) -> ExitCode {
    match ALL.iter().find(|(known, _)| *known == name) {
        Some((_, violation)) => {
            watch(&mut || violation());
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("residue-sanitizer: no violation {name:?}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the sanitizer ends programs that commit these violations, and `more` that the program
/// knows by name, each in the library of this name.
pub fn are_found(more: &[(&str, &str)]) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    for (name, place) in ALL.iter().map(|(name, _)| (*name, "")).chain(more.iter().copied()) {
        let ended = Command::new(&program).arg(name).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let found = said.contains("real-time unsafe function") && said.contains(place);
        if ended.status.success() || !found {
            return Err(format!("`{name}` was not found: {}, {said}", ended.status));
        }
        println!("{name}: found");
    }
    Ok(())
}
