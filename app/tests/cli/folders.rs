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

/// Versions before 0.2 packed weights beside the settings, where systems make backups.
#[cfg(unix)]
#[test]
fn packed_weights_lie_among_the_caches_of_the_system() {
    let place = Place::new();
    let (settings, caches) = if cfg!(target_os = "macos") {
        ("Library/Application Support/residue", "Library/Caches/residue")
    } else {
        (".local/share/residue", ".cache/residue")
    };
    let former = place.path(settings).join("packed");
    fs::create_dir_all(&former).unwrap();
    fs::write(former.join("0123456789abcdef-int8.packed"), "of an earlier version").unwrap();
    place.clip("in.wav", 24_000, 1);
    let run = |arguments: &[&str]| {
        let mut command = place.residue(arguments);
        command.env("HOME", place.path(""));
        for variable in ["RESIDUE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let model = golden("v1");
    run(&["roundtrip", "in.wav", "-o", "out.wav", "--model", &model, "--precision", "bf16"]);
    assert!(!former.exists());
    let cache: serde_json::Value =
        serde_json::from_str(&run(&["models", "cache", "--json"])).unwrap();
    assert_eq!(cache["where"], place.path(caches).join("packed").to_str().unwrap());
    assert_eq!(cache["files"], 2, "the earlier version's and the model's: {cache}");
}
