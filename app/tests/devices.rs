//! Output of `residue devices` and `residue listen` on any machine, with or without sound.

use std::process::{Command, Output, Stdio};

#[cfg(target_os = "linux")]
use serde_json::Value;
use tempfile::TempDir;

/// Runs Residue on a machine without any sound: no JACK server, and an ALSA that knows of nothing.
fn silent_machine(arguments: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let nothing = folder.path().join("asound.conf");
    std::fs::write(&nothing, "").unwrap();
    Command::new(env!("CARGO_BIN_EXE_residue"))
        .args(arguments)
        .env("ALSA_CONFIG_PATH", nothing)
        .env("JACK_DEFAULT_SERVER", "residue-test-nowhere")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs a command that must fail with this code, and returns what it said.
fn fails(code: i32, arguments: &[&str]) -> String {
    let output = silent_machine(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "residue {arguments:?}: {stderr}");
    stderr
}

#[test]
fn wishes_that_are_none_are_wrong_usage() {
    for wrong in [
        ["--rate", "7999"],
        ["--rate", "high"],
        ["--buffer", "0"],
        ["--buffer", "65537"],
        ["--channels", "3"],
        ["--channels", "0"],
        ["--source", "wet"],
        ["--allowance", "soon"],
        ["--allowance", "60001"],
        ["--seconds", "0"],
        ["--mono", "left"],
    ] {
        let said = fails(2, &[&["listen"], &wrong[..]].concat());
        assert!(said.contains(wrong[0]) && said.contains(wrong[1]), "{said}");
    }
}

#[test]
fn an_unknown_sound_system_is_answered_with_those_there_are() {
    let said = fails(1, &["listen", "--host", "gramophone"]);
    assert!(said.starts_with("residue: there is no audio backend `gramophone`; "), "{said}");
    assert!(said.ends_with("; choose one of these with --host\n"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_devices_says_so_and_what_to_do() {
    let output = silent_machine(&["devices"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("ALSA") && said.contains("no audio device"), "{said}");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));

    let output = silent_machine(&["devices", "--json"]);
    assert!(output.status.success());
    let hosts: Value = serde_json::from_slice(&output.stdout).unwrap();
    for host in hosts.as_array().unwrap() {
        assert_eq!(host["devices"], Value::Array(Vec::new()), "{hosts}");
    }

    for arguments in [&["listen"][..], &["listen", "--host", "alsa"]] {
        let said = fails(1, arguments);
        assert!(said.starts_with("residue: ALSA has no input device; "), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let said = fails(1, &["listen", "--output", "speaker"]);
    assert!(said.starts_with("residue: ALSA has no input device; "), "{said}");
    let said = fails(1, &["listen", "--input", "violin"]);
    assert!(said.contains("no input device called `violin`; it has none"), "{said}");
}

#[cfg(all(feature = "jack", target_os = "linux"))]
#[test]
fn a_machine_without_a_jack_server_is_told_to_start_one() {
    let said = fails(1, &["listen", "--host", "jack"]);
    let expected = "residue: JACK has no input device; start a JACK server, ";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
