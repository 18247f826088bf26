//! Test suites under Wine, and the counts of their tests.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::wine::{TARGET, Wine};
use crate::{cargo, root};

/// Longest time of one suite.
const LONGEST: Duration = Duration::from_secs(1800);

/// The tests of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuiteCounts {
    name: String,
    passed: usize,
    failed: usize,
    ignored: usize,
    /// Whether the program told its counts and ended well.
    complete: bool,
    seconds: u64,
}

impl SuiteCounts {
    fn is_good(&self) -> bool {
        self.complete && self.failed == 0
    }
}

impl fmt::Display for SuiteCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, passed, failed, ignored, complete, seconds } = self;
        write!(f, "{name}: {passed} passed, {failed} failed, {ignored} ignored in {seconds} s")?;
        if !complete { f.write_str("; it did not end well") } else { Ok(()) }
    }
}

/// Runs `cargo test` for Windows with these arguments, and returns the counts of its suites.
pub fn test(arguments: &[&str]) -> Result<Vec<SuiteCounts>> {
    let report = report()?;
    crate::bundle::remove(&report)?;
    let ourselves = std::env::current_exe().context("this program has a path")?;
    let ourselves = ourselves.to_str().context("its path is not UTF-8")?;
    // A list, because the variable of the same meaning is split at spaces.
    let runner = format!("target.{TARGET}.runner=[{ourselves:?}, \"wine\"]");
    let first = ["test", "--config", &runner, "--target", TARGET, "--no-fail-fast"];
    // A suite that fails is in the report; a build that fails leaves none.
    let tested = cargo(&[&first[..], arguments].concat(), &[]);
    let counts = match fs::read_to_string(&report) {
        Ok(text) => text.lines().filter_map(parse_report).collect(),
        Err(_) => Vec::new(),
    };
    match tested {
        Err(error) if counts.iter().all(SuiteCounts::is_good) => Err(error),
        _ => Ok(counts),
    }
}

/// Returns whether all suites passed.
pub fn all_good(counts: &[SuiteCounts]) -> bool {
    counts.iter().all(SuiteCounts::is_good)
}

/// Runs a suite in Wine, which cargo asks for, and adds its counts to the report.
pub fn run_suite(program: &Path, arguments: &[&str]) -> Result<ExitCode> {
    let wine = Wine::existing()?;
    let began = Instant::now();
    let mut command = wine.command(program);
    // Not in the workspace's root: cargo has chosen the folder.
    let mut child =
        command.args(arguments).stdout(Stdio::piped()).spawn().context("running Wine")?;
    let output = BufReader::new(child.stdout.take().context("it is piped")?);
    let mut counts = SuiteCounts { name: suite_name(program), ..SuiteCounts::default() };
    let mut told = false;
    // On a thread of its own, because a suite that hangs says nothing.
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in output.split(b'\n').map_while(std::result::Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                break;
            }
        }
    });
    loop {
        match lines.recv_timeout(LONGEST.saturating_sub(began.elapsed())) {
            Ok(line) => {
                told |= add_result(&mut counts, &line);
                println!("{line}");
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                println!("{}: ended after {} s", counts.name, LONGEST.as_secs());
                child.kill().context("ending Wine")?;
                break;
            }
        }
    }
    let status = child.wait().context("waiting for Wine")?;
    counts.complete = told && status.success();
    counts.seconds = began.elapsed().as_secs();
    let mut report =
        OpenOptions::new().create(true).append(true).open(report()?).context("the report")?;
    writeln!(report, "{}", report_line(&counts)).context("writing the report")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the path of the report of one `cargo test`.
fn report() -> Result<PathBuf> {
    Ok(root()?.join("target/wine-tests.txt"))
}

/// Returns the suite's name: that of the program without the hash at its end.
fn suite_name(program: &Path) -> String {
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    stem.rsplit_once('-').map_or(&*stem, |(name, _)| name).to_owned()
}

/// Adds a line as `test result: ok. 3 passed; 0 failed; 1 ignored; ...` or `clap: 80 of 80 openings, ...`; false for
/// any other.
fn add_result(counts: &mut SuiteCounts, line: &str) -> bool {
    if let Some((opened, tried)) = openings(line) {
        counts.passed += opened;
        counts.failed += tried.saturating_sub(opened);
        return true;
    }
    let Some(result) = line.strip_prefix("test result: ") else { return false };
    let count = |what: &str| -> Option<usize> {
        let before = result.split_once(&format!(" {what}"))?.0;
        before.rsplit(' ').next()?.parse().ok()
    };
    let [Some(passed), Some(failed), Some(ignored)] = ["passed", "failed", "ignored"].map(count)
    else {
        return false;
    };
    counts.passed += passed;
    counts.failed += failed;
    counts.ignored += ignored;
    true
}

/// Returns the numbers of a line as `clap: 80 of 80 openings, two at once, ...`.
fn openings(line: &str) -> Option<(usize, usize)> {
    let (counts, _) = line.split_once(" openings, ")?;
    let (opened, tried) = counts.rsplit_once(": ")?.1.split_once(" of ")?;
    Some((opened.parse().ok()?, tried.parse().ok()?))
}

fn report_line(counts: &SuiteCounts) -> String {
    let SuiteCounts { name, passed, failed, ignored, complete, seconds } = counts;
    format!("{name} {passed} {failed} {ignored} {complete} {seconds}")
}

fn parse_report(line: &str) -> Option<SuiteCounts> {
    let mut words = line.split(' ');
    let name = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    let (passed, failed, ignored) = (number()?, number()?, number()?);
    let complete = words.next()? == "true";
    let seconds = words.next()?.parse().ok()?;
    Some(SuiteCounts { name, passed, failed, ignored, complete, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_reported() {
        let mut counts = SuiteCounts {
            name: suite_name(Path::new("/x/deps/cli-0a1b.exe")),
            ..Default::default()
        };
        assert!(!add_result(&mut counts, "test a ... ok"));
        let line = "test result: FAILED. 31 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.0s";
        assert!(add_result(&mut counts, line));
        counts.seconds = 7;
        assert_eq!(parse_report(&report_line(&counts)), Some(counts.clone()));
        assert_eq!(
            counts.to_string(),
            "cli: 31 passed, 2 failed, 1 ignored in 7 s; it did not end well"
        );
        assert!(!all_good(&[counts]));
    }

    #[test]
    fn openings_of_both_formats_are_counted() {
        let mut counts = SuiteCounts::default();
        for format in ["clap", "vst3"] {
            let line = format!(
                "{format}: 80 of 80 openings, two at once, under automation; window and GL 9 ms"
            );
            assert!(add_result(&mut counts, &line));
        }
        assert_eq!((counts.passed, counts.failed), (160, 0));
        assert!(!add_result(&mut counts, "clap: the host ended with exit code: 3"));
    }
}
