//! Outputs to everything that may stand at a path.

use std::fs;
#[cfg(unix)]
use std::io::Write;
use std::process::Stdio;

use residue_engine::tokens::npy;

use super::place::{Place, golden};

#[test]
fn stdout_takes_what_a_file_would() {
    let place = Place::new();
    let model = golden("v1");
    let model = ["--model", model.as_str()];
    place.clip("in.wav", 24_000, 1);
    for (command, file) in [(["roundtrip", "in.wav"], "out.wav"), (["encode", "in.wav"], "out.npy")]
    {
        place.ok(&[&command[..], &["-o", file], &model].concat());
        let output = place.run(&[&command[..], &["-o", "-"], &model].concat());
        assert!(output.status.success());
        assert!(output.stdout == fs::read(place.path(file)).unwrap(), "{command:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("stdout: "));
    }
    // Decoded frame by frame, so that the header cannot state a length.
    let codes = npy::read(&place.path("out.npy")).unwrap();
    let mut child = place
        .residue(&[&["decode", "-", "-o", "-"][..], &model].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    npy::write_to(child.stdin.take().unwrap(), &codes).unwrap();
    let output = child.wait_with_output().unwrap();
    place.ok(&[&["decode", "out.npy", "-o", "decoded.wav"][..], &model].concat());
    let file = fs::read(place.path("decoded.wav")).unwrap();
    let header = file.len() - place.read("decoded.wav").len() * 4;
    assert_eq!(output.stdout[..8], *b"RIFF\xFF\xFF\xFF\xFF");
    assert!(output.stdout[header..] == file[header..], "the samples are the same");
    assert_eq!(place.names(), ["decoded.wav", "in.wav", "out.npy", "out.wav"]);
}

#[test]
fn impossible_outputs_are_refused_before_the_work() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    fs::write(place.path("locked.wav"), "kept").unwrap();
    let mut permissions = fs::metadata(place.path("locked.wav")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(place.path("locked.wav"), permissions).unwrap();
    let long = "x".repeat(256);
    // Before the input is read, which is not even there.
    for (path, words) in [
        ("none/o.wav", "there is no folder none; make it"),
        ("folder", "it is a folder"),
        ("locked.wav", "read-only; make it writable"),
        (&long, "the name is too long"),
    ] {
        for command in ["roundtrip", "encode", "decode"] {
            place.fails(&[command, "gone", "-o", path], &[words]);
        }
    }
    assert_eq!(fs::read(place.path("locked.wav")).unwrap(), b"kept");
}

#[test]
fn the_longest_name_works() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    for length in [243, 255] {
        let name = format!("{}.wav", "x".repeat(length - 4));
        for _ in 0..2 {
            place.ok(&["roundtrip", "in.wav", "-o", &name, "--model", &golden("v1")]);
        }
        assert!(!place.read(&name).is_empty());
    }
    assert_eq!(place.names().len(), 3);
}

#[cfg(unix)]
#[test]
fn links_permissions_devices_and_fifos_stay() {
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::process::Command;

    let place = Place::new();
    let model = golden("v1");
    place.clip("in.wav", 24_000, 1);
    let roundtrip = |path: &str| place.ok(&["roundtrip", "in.wav", "-o", path, "--model", &model]);
    roundtrip("out.wav");
    let whole = fs::read(place.path("out.wav")).unwrap();

    fs::write(place.path("private.wav"), "old").unwrap();
    fs::set_permissions(place.path("private.wav"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("private.wav", place.path("soft.wav")).unwrap();
    roundtrip("soft.wav");
    assert!(place.path("soft.wav").is_symlink());
    assert!(fs::read(place.path("private.wav")).unwrap() == whole);
    assert_eq!(fs::metadata(place.path("private.wav")).unwrap().mode() & 0o777, 0o600);

    fs::write(place.path("one.wav"), "old").unwrap();
    fs::hard_link(place.path("one.wav"), place.path("two.wav")).unwrap();
    roundtrip("two.wav");
    assert!(fs::read(place.path("one.wav")).unwrap() == whole);

    symlink("/dev/null", place.path("null.wav")).unwrap();
    roundtrip("null.wav");
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());

    assert!(Command::new("mkfifo").arg(place.path("fifo.wav")).status().unwrap().success());
    let fifo = place.path("fifo.wav");
    let reader = std::thread::spawn(move || fs::read(fifo).unwrap());
    roundtrip("fifo.wav");
    assert!(reader.join().unwrap() == whole);
    // A pipe takes frames as they arrive, too.
    let fifo = place.path("fifo.wav");
    let reader = std::thread::spawn(move || fs::read(fifo).unwrap());
    let mut child = place
        .residue(&["decode", "-", "-o", "fifo.wav"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"1 2 3\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(reader.join().unwrap()[..8], *b"RIFF\xFF\xFF\xFF\xFF");
    let names = place.names();
    assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
}
