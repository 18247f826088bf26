//! Folders of comparisons, and commands that would write onto their input.

use std::fs;

use residue_engine::tokens::{Codes, npy};

use super::place::{Place, golden};

#[test]
fn a_comparison_replaces_the_last_one_and_nothing_else() {
    let place = Place::new();
    let model = golden("v1");
    place.clip("in.wav", 24_000, 1);
    let compare = |depths: &str| {
        place.ok(&["compare", "in.wav", "-o", "out", "--depths", depths, "--model", &model])
    };
    compare("1,2,4");
    fs::write(place.path("out/notes.txt"), "mine").unwrap();
    fs::write(place.path("out/depth-02 best.wav"), "mine").unwrap();
    compare("2,3");
    let mut names: Vec<_> = fs::read_dir(place.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "bitrate.png",
        "comparison.png",
        "depth-02 best.wav",
        "depth-02.wav",
        "depth-03.wav",
        "notes.txt",
        "original.wav",
        "report.json",
    ];
    assert_eq!(names, expected);

    // A file of a run's name that no report lists is someone's own.
    fs::write(place.path("out/depth-04.wav"), "mine").unwrap();
    let again = ["compare", "in.wav", "-o", "out", "--depths", "1", "--model", &model];
    place.fails(&again, &["holds depth-04.wav", "choose another folder"]);
    assert_eq!(fs::read(place.path("out/depth-04.wav")).unwrap(), b"mine");
    assert!(place.path("out/depth-03.wav").exists() && !place.path("out/depth-01.wav").exists());
    fs::create_dir(place.path("other")).unwrap();
    fs::write(place.path("other/report.json"), "{\"mine\": 1}").unwrap();
    let other = ["compare", "in.wav", "-o", "other", "--depths", "1", "--model", &model];
    place.fails(&other, &["holds report.json"]);
    assert_eq!(fs::read(place.path("other/report.json")).unwrap(), b"{\"mine\": 1}");
}

#[test]
fn a_comparison_that_fails_leaves_the_last_one() {
    let place = Place::new();
    let model = golden("v1");
    place.clip("in.wav", 24_000, 1);
    place.ok(&["compare", "in.wav", "-o", "out", "--depths", "1,2", "--model", &model]);
    let before = fs::read(place.path("out/report.json")).unwrap();
    let again = ["compare", "in.wav", "-o", "out", "--depths", "1,99", "--model", &model];
    place.fails(&again, &["99"]);
    assert_eq!(fs::read(place.path("out/report.json")).unwrap(), before);
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 6);
    place.fails(&["compare", "gone.wav"], &["gone.wav"]);
    assert!(!place.path("gone-residue").exists());
}

#[test]
fn no_command_writes_onto_its_input() {
    let place = Place::new();
    let model = golden("v1");
    let model = ["--model", model.as_str()];
    place.clip("original.wav", 24_000, 1);
    npy::write(&place.path("codes.npy"), &Codes::new(1, 2, vec![1, 2])).unwrap();
    let (audio, codes) =
        (fs::read(place.path("original.wav")).unwrap(), fs::read(place.path("codes.npy")).unwrap());
    fs::hard_link(place.path("original.wav"), place.path("hard.wav")).unwrap();
    for command in [
        &["compare", "original.wav", "-o", "."][..],
        &["roundtrip", "original.wav", "-o", "original.wav"],
        &["roundtrip", "original.wav", "-o", "./original.wav"],
        &["roundtrip", "original.wav", "-o", "hard.wav"],
        &["encode", "original.wav", "-o", "original.wav"],
        &["decode", "codes.npy", "-o", "codes.npy"],
    ] {
        place.fails(&[command, &model].concat(), &["it is the input", "choose another"]);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("original.wav", place.path("soft.wav")).unwrap();
        place.fails(&["roundtrip", "soft.wav", "-o", "original.wav"], &["it is the input"]);
        place.fails(&["roundtrip", "original.wav", "-o", "soft.wav"], &["it is the input"]);
    }
    assert!(fs::read(place.path("original.wav")).unwrap() == audio);
    assert!(fs::read(place.path("codes.npy")).unwrap() == codes);
}
