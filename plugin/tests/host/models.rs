//! Models that are not the embedded one.

use std::time::{Duration, Instant};

use residue_engine::codec::Precision;
use residue_engine::models::embedded_precision;

use crate::project_states::{choice, clap_state, miniature, with_model};
use crate::rig::{ClapRig, noise};

/// Longest time until a model is loaded, on a busy machine.
const LONGEST: Duration = Duration::from_secs(90);

/// With a missing model, the embedded one plays, everything else is restored, and the project is not
/// changed.
#[test]
fn a_missing_model_stays_in_the_project() {
    let mut rig = ClapRig::new();
    let wanted = r#"{"version":1,"id":"/nowhere/at/all","sha256":"00ff"}"#;
    assert!(rig.load(&with_model(wanted)));
    rig.set_offline(true);
    rig.start(48_000, 512);
    let out = rig.play(&[noise(1, 9000, 0.3), noise(2, 9000, 0.3)], 0, std::iter::repeat(512), &[]);
    assert!(out[0].iter().any(|x| x.abs() > 0.001), "the embedded model plays");
    assert_eq!(rig.shown("Depth A"), "3 kbps");
    let saved = String::from_utf8(rig.save()[8..].to_vec()).unwrap();
    assert!(saved.contains(r#"\"id\":\"/nowhere/at/all\",\"sha256\":\"00ff\""#), "{saved}");
}

/// A project cannot name a folder of the host's working directory or of the network: the embedded model
/// plays, and the project is saved as it was.
#[test]
fn a_place_that_a_project_may_not_open_stays_in_the_project() {
    // There, seen from the working directory of this test.
    for place in ["../engine/tests/golden/nano", r"\\server\share\nano", "src"] {
        let mut rig = ClapRig::new();
        assert!(rig.load(&with_model(&choice(place))));
        rig.set_offline(true);
        rig.start(48_000, 512);
        let mut embedded = ClapRig::new();
        assert!(embedded.load(&with_model(&choice("embedded"))));
        embedded.set_offline(true);
        embedded.start(48_000, 512);
        assert_eq!(rig.latency(), embedded.latency(), "{place}");
        let saved = String::from_utf8(rig.save()[8..].to_vec()).unwrap();
        let state: serde_json::Value = serde_json::from_str(&saved).unwrap();
        let model: serde_json::Value =
            serde_json::from_str(state["fields"]["model"].as_str().unwrap()).unwrap();
        assert_eq!(model["id"], place);
    }
}

/// A model in a folder is loaded before an offline render starts, with its own latency and bitrates, and
/// its checksum is saved.
#[test]
fn a_folder_is_a_model() {
    let mut embedded = ClapRig::offline(48_000, 512);
    let mut rig = ClapRig::new();
    assert!(rig.load(&with_model(&choice(&miniature("nano")))));
    rig.set_offline(true);
    rig.start(48_000, 512);
    assert!(rig.latency() > embedded.latency(), "its frame is longer");
    let input = vec![noise(1, 30_000, 0.3), noise(2, 30_000, 0.3)];
    let out = rig.play(&input, 0, std::iter::repeat(512), &[]);
    assert!(out[0].iter().any(|x| *x != 0.0));
    let depth = rig.param("Depth A").id;
    assert_ne!(rig.text(depth, 0.0), embedded.text(depth, 0.0));
    let until = Instant::now() + LONGEST;
    while !String::from_utf8_lossy(&rig.save()).contains("sha256") {
        assert!(Instant::now() < until, "the sum comes");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The precision is saved, and changes the output.
#[test]
fn a_precision_is_saved_and_heard() {
    let input = vec![noise(1, 9000, 0.3), noise(2, 9000, 0.3)];
    let play = |model: &str| {
        let mut rig = ClapRig::new();
        assert!(rig.load(&with_model(model)));
        rig.set_offline(true);
        rig.start(24_000, 512);
        let latency = rig.latency();
        let mut out = rig.play(&input, latency, std::iter::repeat(512), &[]);
        out.iter_mut().for_each(|plane| drop(plane.drain(..latency)));
        (out, String::from_utf8(rig.save()[8..].to_vec()).unwrap())
    };
    let (exact, saved) = play(r#"{"version":1,"id":"embedded"}"#);
    assert!(!saved.contains("precision"), "{saved}");
    let (packed, saved) = play(r#"{"version":1,"id":"embedded","precision":"int8"}"#);
    assert!(saved.contains(r#"\"precision\":\"int8\""#), "{saved}");
    assert!(packed != exact && packed[0].iter().any(|x| x.abs() > 0.001));
    let (unknown, saved) = play(r#"{"version":2,"id":"embedded","precision":"int2"}"#);
    assert!(saved.contains(r#"\"precision\":\"int2\""#), "{saved}");
    assert!(unknown == exact, "f32 stands in for what this version does not know");
}

/// A new instance is automatic, and says what that came to. A project that was saved as automatic on another computer
/// sounds as it did there, and one from before there was a choice as in f32.
#[test]
fn an_automatic_precision_is_kept_by_the_project() {
    let input = vec![noise(1, 9000, 0.3), noise(2, 9000, 0.3)];
    let play = |state: Option<Vec<u8>>| {
        let mut rig = ClapRig::new();
        assert!(state.is_none_or(|state| rig.load(&state)));
        rig.set(&[("Depth A", "3 layers")]);
        let before = rig.save();
        rig.set_offline(true);
        rig.start(24_000, 512);
        assert_eq!(rig.save(), before, "running changes nothing");
        let latency = rig.latency();
        let mut out = rig.play(&input, latency, std::iter::repeat(512), &[]);
        out.iter_mut().for_each(|plane| drop(plane.drain(..latency)));
        (out, String::from_utf8(before[8..].to_vec()).unwrap())
    };
    let chosen = embedded_precision().precision;
    let (new, saved) = play(None);
    let expected = format!(r#"\"precision\":\"{chosen}\",\"automatic\":true"#);
    assert!(saved.contains(&expected), "{saved}");
    let fixed = |precision: Precision| {
        play(Some(with_model(&format!(
            r#"{{"version":1,"id":"embedded","precision":"{precision}"}}"#
        ))))
        .0
    };
    assert!(new == fixed(chosen));
    for precision in Precision::ALL {
        let model = format!(
            r#"{{"version":1,"id":"embedded","precision":"{precision}","automatic":true}}"#
        );
        let (out, saved) = play(Some(with_model(&model)));
        assert!(saved.contains(&model.replace('"', "\\\"")), "{saved}");
        assert!(out == fixed(precision), "{precision}");
    }
    // Projects of 0.1: without a precision, and without a model.
    let exact = fixed(Precision::F32);
    assert!(new != exact);
    assert!(play(Some(with_model(&choice("embedded")))).0 == exact);
    let (out, saved) = play(Some(clap_state(r#"{"version":"0.1.0","params":{},"fields":{}}"#)));
    assert!(out == exact && !saved.contains("automatic"), "{saved}");
}

/// A model that needs a longer latency is switched to at a restart, which the host is asked for; until
/// then audio continues.
#[test]
fn a_longer_latency_waits_for_a_restart() {
    // The allowance is measured once for each rate; on a machine that was busy then, the other model fits.
    let asked = [48_000, 44_100, 32_000, 24_000].into_iter().find_map(asks_for_restart);
    let Some((mut rig, before)) = asked else {
        println!("left out: this machine is so busy that all models need the same latency");
        return;
    };
    let (until, input) = (Instant::now() + LONGEST, vec![noise(1, 512, 0.3); 2]);
    assert_eq!(rig.latency(), before, "nothing has changed yet");
    rig.restart();
    let longer = rig.latency();
    assert!(longer > before);
    // The way back fits the latency: it is taken while audio runs.
    assert!(rig.load(&with_model(&choice("embedded"))));
    let depth = rig.param("Depth A").id;
    while rig.text(depth, 3.0) != "4 kbps" {
        assert!(Instant::now() < until, "the model changes");
        rig.play(&input, 0, [512], &[]);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(rig.latency(), longer);
}

/// Changes to a model of longer frames while audio runs at this rate; returns the instance with its latency when it
/// asks for a restart, and none if the model fits the latency.
fn asks_for_restart(rate: u32) -> Option<(ClapRig, usize)> {
    let mut rig = ClapRig::new();
    rig.start(rate, 512);
    let (before, input) = (rig.latency(), vec![noise(1, 512, 0.3); 2]);
    assert!(rig.load(&with_model(&choice(&miniature("nano")))));
    let depth = rig.param("Depth A").id;
    let until = Instant::now() + LONGEST;
    while !rig.take_restart() {
        assert!(Instant::now() < until, "the model changes, or a restart is asked for");
        rig.play(&input, 0, [512], &[]);
        if rig.text(depth, 3.0) != "4 kbps" {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Some((rig, before))
}

/// A change of the treatment of stereo requests a restart, once.
#[test]
fn the_treatment_of_stereo_asks_for_a_restart() {
    let mut rig = ClapRig::new();
    rig.start(48_000, 512);
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(!rig.take_restart());
    rig.set(&[("Stereo in mono models", "Mid only")]);
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(rig.take_restart());
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(!rig.take_restart(), "once");
    rig.restart();
    // One stream takes less time than two, so that the latency may have changed.
    rig.take_restart();
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(!rig.take_restart());
}
