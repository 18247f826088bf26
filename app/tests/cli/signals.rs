//! Commands that are interrupted or killed.
#![cfg(unix)]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use residue_engine::audio::{self, Audio};
use residue_engine_testing::heed_signals;

use super::place::Place;

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits until something is there.
fn until(what: &str, mut is_there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} did not come");
        thread::sleep(Duration::from_millis(10));
    }
}

fn temporary_files(place: &Place) -> usize {
    place.names().iter().filter(|name| name.starts_with(".residue-")).count()
}

/// Begins a command that takes long, and ends it by a signal in the middle.
fn interrupted(place: &Place, signal: &str) -> ExitStatus {
    let mut child = heed_signals(&mut place.residue(&["roundtrip", "long.wav", "-o", "o.wav"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("a temporary file", || temporary_files(place) == 1);
    send(&child, signal);
    child.wait().unwrap()
}

#[test]
fn interrupted_commands_leave_nothing_and_killed_ones_nothing_for_long() {
    let place = Place::new();
    audio::write(&place.path("long.wav"), &Audio::silence(24_000, 1, 24_000 * 600)).unwrap();
    std::fs::write(place.path("o.wav"), "kept").unwrap();
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let status = interrupted(&place, signal);
        assert_eq!(status.signal(), Some(number), "{signal}");
        assert_eq!(place.names(), ["long.wav", "o.wav"], "{signal}");
    }
    interrupted(&place, "-KILL");
    assert_eq!(temporary_files(&place), 1);
    place.clip("in.wav", 24_000, 1);
    place.ok(&["roundtrip", "in.wav", "-o", "o.wav"]);
    assert_eq!(temporary_files(&place), 0);
    assert!(!place.read("o.wav").is_empty());
}

/// Starts to decode frames that arrive, and waits until the file holds three of them.
fn three_frames(place: &Place, mut command: Command) -> Child {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    let mut stdin = child.stdin.as_ref().unwrap();
    for line in ["1 2 3", "4 5 6", "7 8 9"] {
        writeln!(stdin, "{line}").unwrap();
    }
    let path = place.path("o.wav");
    until("three frames", || samples(&path) == Some(3 * FRAME));
    child
}

/// Samples in a frame of the embedded model.
const FRAME: usize = 240;

/// Samples in a file, as far as its size says.
fn samples(path: &Path) -> Option<usize> {
    let header = 12 + 36 + 26 + 12 + 8;
    let bytes = std::fs::metadata(path).ok()?.len() as usize;
    Some(bytes.saturating_sub(header) / 4)
}

#[test]
fn decoding_what_arrives_ends_well_at_a_signal() {
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let place = Place::new();
        let mut command = place.residue(&["decode", "-", "-o", "o.wav"]);
        heed_signals(&mut command);
        let mut child = three_frames(&place, command);
        // Stays open, so that only the signal can end it.
        let _stdin = child.stdin.take();
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(128 + number));
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.starts_with("o.wav: 0.03 s") && told.contains("from 3 frames"), "{told}");
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(notes.contains("interrupted by SIG"), "{notes}");
        assert_eq!(place.read("o.wav").len(), 3 * FRAME);
        assert_eq!(place.names(), ["o.wav"]);
    }
}

#[test]
fn a_killed_process_leaves_what_it_decoded() {
    let place = Place::new();
    let mut child = three_frames(&place, place.residue(&["decode", "-", "-o", "o.wav"]));
    send(&child, "-KILL");
    child.wait().unwrap();
    // The header may be a second behind.
    let length = place.read("o.wav").len();
    assert!(length >= FRAME && length.is_multiple_of(FRAME), "{length}");
    assert_eq!(place.names(), ["o.wav"]);
}

#[test]
fn signals_that_were_ignored_stay_so() {
    let place = Place::new();
    let mut command = Command::new("sh");
    command.current_dir(place.path("")).env("RESIDUE_HOME", place.path("home"));
    let program = env!("CARGO_BIN_EXE_residue");
    command.args(["-c", &format!("trap '' HUP; exec {program} decode - -o o.wav")]);
    let mut child = three_frames(&place, command);
    send(&child, "-HUP");
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "10 11 12").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert_eq!(place.read("o.wav").len(), 4 * FRAME);
}
