//! Deliberate violations of realtime safety, to check that the sanitizer detects them.

use std::fmt;
use std::hint::black_box;
use std::io;
use std::process::{Command, ExitCode, ExitStatus};

/// A violation: its name, and a function that commits it.
type Violation = (&'static str, fn());

const ALL: [Violation; 2] = [
    ("allocate", || drop(black_box(vec![0u8; 1000]))),
    ("write", || drop(black_box(std::fs::write("/dev/null", "hello")))),
];

/// Why the check of the sanitizer has failed.
#[derive(Debug)]
pub enum DetectionError {
    /// This program could not be run again.
    Run(io::Error),
    /// A violation was not detected, or not in the library where it was committed.
    Undetected {
        /// Name of the violation.
        violation: String,
        /// How the program ended.
        status: ExitStatus,
        /// Its output to standard error.
        stderr: String,
    },
}

impl fmt::Display for DetectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(error) => write!(f, "cannot run this program again: {error}"),
            Self::Undetected { violation, status, stderr } => {
                write!(f, "the violation `{violation}` was not detected: {status}, {stderr}")
            }
        }
    }
}

impl std::error::Error for DetectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Run(error) => Some(error),
            Self::Undetected { .. } => None,
        }
    }
}

impl From<io::Error> for DetectionError {
    fn from(error: io::Error) -> Self {
        Self::Run(error)
    }
}

/// Commits the violation of this name in a realtime context. Returns only if it was not detected.
pub fn commit(name: &str, realtime_context: &dyn Fn(&mut dyn FnMut())) -> ExitCode {
    match ALL.iter().find(|(known, _)| *known == name) {
        Some((_, violation)) => {
            realtime_context(&mut || violation());
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("residue-sanitizer: no violation {name:?}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program with each violation, and with `more` that the program itself knows by name, each
/// with the library in which it has to be detected.
///
/// # Errors
/// If the program cannot be run, or does not end with the sanitizer's report.
pub fn check_detection(more: &[(&str, &str)]) -> Result<(), DetectionError> {
    let program = std::env::current_exe()?;
    for (name, library) in ALL.iter().map(|(name, _)| (*name, "")).chain(more.iter().copied()) {
        let output = Command::new(&program).arg(name).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reported = stderr.contains("real-time unsafe function") && stderr.contains(library);
        if output.status.success() || !reported {
            return Err(DetectionError::Undetected {
                violation: name.to_owned(),
                status: output.status,
                stderr: stderr.into_owned(),
            });
        }
        println!("{name}: detected");
    }
    Ok(())
}
