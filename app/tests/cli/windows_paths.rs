//! Paths as Windows has them: drives, shares, long ones, names of every kind.
#![cfg(windows)]

use std::ffi::OsString;
use std::fs;
use std::os::windows::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf, Prefix};

use super::place::{Place, golden};

/// Sends a clip through a model in such a folder, with everything that Residue keeps in it too.
fn use_folder(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let model = folder.join("Modell ü");
    copy_folder(Path::new(&golden("v1")), &model);
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    let (input, output) = (folder.join("in put.wav"), folder.join("out.wav"));
    fs::copy(place.path("in.wav"), &input).unwrap();
    let run = |arguments: &[&str], more: &[&Path]| {
        let mut command = place.residue(arguments);
        let output = command.args(more).env("RESIDUE_HOME", folder.join("home")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}", folder.display());
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["models", "add", "--name", "mini"], &[&model]);
    // By its name, and twice: the second load reads packed weights from the same folder.
    for _ in 0..2 {
        run(&["roundtrip", "--model", "mini", "--precision", "bf16", "-o"], &[&output, &input]);
    }
    assert!(fs::metadata(&output).unwrap().len() > 100_000);
    let compared = folder.join("compared");
    run(&["compare", "--depths", "1,2", "--model", "mini", "-o"], &[&compared, &input]);
    assert!(compared.join("comparison.png").is_file());
    run(&["models", "verify", "mini"], &[]);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The same folder through the share that Windows has of each drive, where it may be used.
fn through_share(folder: &Path) -> Option<PathBuf> {
    let mut components = folder.components();
    let Component::Prefix(prefix) = components.next()? else { return None };
    let (Prefix::Disk(letter) | Prefix::VerbatimDisk(letter)) = prefix.kind() else { return None };
    let share = format!(r"\\localhost\{}$", char::from(letter));
    let rest = components.as_path().strip_prefix(r"\").ok()?;
    let path = Path::new(&share).join(rest);
    path.is_dir().then_some(path)
}

#[test]
fn names_of_every_kind() {
    let place = Place::new();
    // Spaces, umlauts, a character beyond 16 bits, and half of one, which no UTF-8 has.
    let half = OsString::from_wide(&[0x78, 0xd800, 0x79]);
    for name in ["a b (c) & d", "Jürgen Größe", "音楽 🎵"] {
        use_folder(&place.path(name));
    }
    let path = place.path("half").with_file_name(half);
    if fs::create_dir(&path).is_ok() {
        use_folder(&path);
    }
}

#[test]
fn long_paths() {
    let place = Place::new();
    let mut folder = place.path("long");
    while folder.as_os_str().len() < 400 {
        folder.push("a folder whose name has forty characters");
    }
    use_folder(&folder);
}

#[test]
fn shares_and_verbatim_paths() {
    let place = Place::new();
    let folder = place.path("share");
    fs::create_dir(&folder).unwrap();
    let whole = folder.canonicalize().unwrap();
    assert!(whole.to_str().unwrap().starts_with(r"\\?\"), "{}", whole.display());
    use_folder(&whole.join("verbatim"));
    match through_share(&folder) {
        Some(share) => use_folder(&share.join("unc")),
        None => println!("left out: this user may not use the share of the drive"),
    }
}

#[test]
fn drives_that_are_gone_are_told() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    let gone =
        ('D'..='Y').map(|letter| format!(r"{letter}:\")).find(|drive| !Path::new(drive).exists());
    let gone = gone.expect("a letter without a drive");
    let [model, output] = ["models\\mine", "out.wav"].map(|rest| format!("{gone}{rest}"));
    place.fails(&["roundtrip", "in.wav", "-o", "x.wav", "--model", &model], &[&model]);
    place.fails(&["roundtrip", "in.wav", "-o", &output], &["there is no folder", &gone]);
    place.fails(&["roundtrip", &output, "-o", "x.wav"], &[&output]);
    assert_eq!(place.names(), ["in.wav"]);
}

#[test]
fn a_file_that_another_program_holds_is_told() {
    use std::os::windows::fs::OpenOptionsExt;
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    let mut alone = fs::File::options();
    alone.write(true).create_new(true).share_mode(0);
    let held = alone.open(place.path("out.wav")).unwrap();
    place.fails(&["roundtrip", "in.wav", "-o", "out.wav"], &["out.wav", "another program"]);
    drop(held);
    place.ok(&["roundtrip", "in.wav", "-o", "out.wav"]);
}

#[test]
fn the_null_device_takes_everything() {
    let place = Place::new();
    place.clip("in.wav", 24_000, 1);
    place.ok(&["roundtrip", "in.wav", "-o", "NUL"]);
    assert_eq!(place.names(), ["in.wav"]);
}
