//! Terminals that are gone or full, and text that they would obey. On Linux, whose `/dev/full` is a full disk.
#![cfg(target_os = "linux")]

use std::fs::{self, OpenOptions};
use std::process::Stdio;

use super::place::{Place, golden};

/// A pipe that nobody reads.
fn broken_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A file on a full disk.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn notes_that_cannot_be_written_lose_nothing() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 2);
    let arguments = ["encode", "in.wav", "-o", "o.npy", "--model", &golden("v1")];
    for stderr in [broken_pipe(), full()] {
        // A mono model says on stderr what it does with stereo.
        let output = place.residue(&arguments).stderr(stderr).output().unwrap();
        assert!(output.status.success(), "{}", output.status);
        assert!(String::from_utf8(output.stdout).unwrap().starts_with("o.npy: "));
        fs::remove_file(place.path("o.npy")).unwrap();
    }
    // An error that nobody reads is one all the same.
    let failed = place.residue(&["encode", "gone", "-o", "o"]).stderr(full()).status().unwrap();
    assert_eq!(failed.code(), Some(1));
}

#[test]
fn a_result_that_cannot_be_told_is_an_error_after_the_file_is_safe() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    let arguments = ["roundtrip", "in.wav", "-o", "o.wav", "--model", &golden("v1")];
    let output = place.residue(&arguments).stdout(full()).stderr(Stdio::piped()).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("cannot write to stdout"), "{errors}");
    assert!(!place.read("o.wav").is_empty());
    // A reader that has gone wants no more.
    let status = place.residue(&arguments).stdout(broken_pipe()).status().unwrap();
    assert!(status.success());
    // But audio that it did not take is lost.
    let arguments = ["roundtrip", "in.wav", "-o", "-", "--model", &golden("v1")];
    let output =
        place.residue(&arguments).stdout(broken_pipe()).stderr(Stdio::piped()).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("cannot write to stdout"), "{errors}");
}

#[test]
fn nothing_from_outside_reaches_the_terminal_as_it_is() {
    let place = Place::new();
    let name = "a\u{1b}]0;owned\u{7}\u{9b}31m\nb.wav";
    let checked = |arguments: &[&str]| {
        let output = place.run(arguments);
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let obeyed = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(obeyed, None, "{arguments:?}: {text:?}");
        }
        output
    };
    let output = checked(&["roundtrip", name, "-o", "o.wav"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("a\\u001b]0;owned\\u0007\\u009b31m"), "{errors}");
    assert_eq!(errors.lines().count(), 1);
    place.clip(name, 24_000, 1);
    let model = golden("v1");
    let told = checked(&["roundtrip", name, "-o", "\u{1b}[31m.wav", "--model", &model]).stdout;
    assert!(String::from_utf8(told).unwrap().starts_with("\\u001b[31m.wav: "));
    let output = checked(&["compare", name, "--depths", "1", "--json", "--model", &model]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["input"], name, "JSON means the same");

    let dictionary = "{'descr': '\u{1b}[2J', 'fortran_order': False, 'shape': (1, 2), }\n";
    let length = (dictionary.len() as u16).to_le_bytes();
    let header = [b"\x93NUMPY\x01\x00", &length[..], dictionary.as_bytes()].concat();
    fs::write(place.path("c.npy"), header).unwrap();
    let output = checked(&["decode", "c.npy", "-o", "o.wav"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("'\\u001b[2J'"));
}

/// Linux takes any bytes for a name.
#[test]
fn names_that_are_no_unicode_work() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    let name = OsStr::from_bytes(b"caf\xE9.wav");
    fs::rename(place.path("in.wav"), place.path("").join(name)).unwrap();
    let model = golden("v1");
    for (command, options) in [
        ("compare", &["--depths", "1", "--json"][..]),
        ("precision", &["--precisions", "int8", "--json"]),
    ] {
        let output = place
            .residue(&[command])
            .arg(name)
            .args(options)
            .args(["--model", &model])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {errors}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["input"]["bytes"], serde_json::json!(b"caf\xE9.wav"));
        assert_eq!(report["input"]["text"], "caf\u{fffd}.wav");
    }
    let folder = OsStr::from_bytes(b"caf\xE9-residue");
    assert!(place.path("").join(folder).join("report.json").exists());
    // The report of such a folder is understood by the next run.
    let mut again = place.residue(&["compare"]);
    again.arg(name).args(["--depths", "2", "--model", &model]);
    assert!(again.stdout(Stdio::null()).status().unwrap().success());
    assert!(!place.path("").join(folder).join("depth-01.wav").exists());
    for arguments in [&["encode"][..], &["roundtrip"]] {
        let output = OsStr::from_bytes(b"\xFF.out");
        let mut command = place.residue(arguments);
        command.arg(name).arg("-o").arg(output).args(["--model", &model]);
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        assert!(place.path("").join(output).exists());
    }
}
