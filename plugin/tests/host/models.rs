//! Models that are not the embedded one.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::rig::{Rig, noise};

fn state(model: &str) -> Vec<u8> {
    let model = serde_json::to_string(model).unwrap();
    let text = format!(
        r#"{{"version":"0.1.0","params":{{"depa":{{"i32":3}}}},"fields":{{"model":{model}}}}}"#
    );
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// The miniature checkpoints that the engine is tested with.
fn miniature(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden").join(name);
    folder.canonicalize().unwrap().to_str().unwrap().to_owned()
}

fn choice(id: &str) -> String {
    format!(r#"{{"version":1,"id":{}}}"#, serde_json::to_string(id).unwrap())
}

/// Everything else is restored, the embedded model plays, and the project keeps what it asked for.
#[test]
fn a_missing_model_stays_in_the_project() {
    let mut rig = Rig::new();
    let wanted = r#"{"version":1,"id":"/nowhere/at/all","sha256":"00ff"}"#;
    assert!(rig.load(&state(wanted)));
    rig.set_offline(true);
    rig.start(48_000, 512);
    let out = rig.play(&[noise(1, 9000, 0.3), noise(2, 9000, 0.3)], 0, std::iter::repeat(512), &[]);
    assert!(out[0].iter().any(|x| x.abs() > 0.001), "the embedded model plays");
    assert_eq!(rig.shown("Depth A"), "3 kbps");
    let saved = String::from_utf8(rig.save()[8..].to_vec()).unwrap();
    assert!(saved.contains(r#"\"id\":\"/nowhere/at/all\",\"sha256\":\"00ff\""#), "{saved}");
}

/// A model of one's own is loaded before an offline render starts, with its own latency and bitrates,
/// and the project then knows its sum.
#[test]
fn a_folder_is_a_model() {
    let mut embedded = Rig::offline(48_000, 512);
    let mut rig = Rig::new();
    assert!(rig.load(&state(&choice(&miniature("nano")))));
    rig.set_offline(true);
    rig.start(48_000, 512);
    assert!(rig.latency() > embedded.latency(), "its frame is longer");
    let input = vec![noise(1, 30_000, 0.3), noise(2, 30_000, 0.3)];
    let out = rig.play(&input, 0, std::iter::repeat(512), &[]);
    assert!(out[0].iter().any(|x| *x != 0.0));
    let depth = rig.param("Depth A").id;
    assert_ne!(rig.text(depth, 0.0), embedded.text(depth, 0.0));
    let until = Instant::now() + Duration::from_secs(20);
    while !String::from_utf8_lossy(&rig.save()).contains("sha256") {
        assert!(Instant::now() < until, "the sum comes");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A model that needs a longer latency is taken when audio starts anew, for which the host is asked;
/// until then audio goes on.
#[test]
fn a_longer_latency_waits_for_a_restart() {
    let mut rig = Rig::new();
    rig.start(48_000, 512);
    let (before, input) = (rig.latency(), vec![noise(1, 512, 0.3); 2]);
    assert!(rig.load(&state(&choice(&miniature("nano")))));
    let until = Instant::now() + Duration::from_secs(20);
    while !rig.take_restart() {
        assert!(Instant::now() < until, "a restart is asked for");
        rig.play(&input, 0, [512], &[]);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(rig.latency(), before, "nothing has changed yet");
    rig.restart();
    let longer = rig.latency();
    assert!(longer > before);
    // The way back fits the latency: it is taken while audio runs.
    assert!(rig.load(&state(&choice("embedded"))));
    let depth = rig.param("Depth A").id;
    while rig.text(depth, 3.0) != "4 kbps" {
        assert!(Instant::now() < until, "the model changes");
        rig.play(&input, 0, [512], &[]);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(rig.latency(), longer);
}

/// How stereo goes through a mono model takes a restart, which is asked for once.
#[test]
fn the_treatment_of_stereo_asks_for_a_restart() {
    let mut rig = Rig::new();
    rig.start(48_000, 512);
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(!rig.take_restart());
    rig.set(&[("Stereo in mono models", "Mid only")]);
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(rig.take_restart());
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(!rig.take_restart(), "once");
    rig.restart();
    // One stream needs less time than two: the latency may have changed.
    rig.take_restart();
    rig.play(&[vec![0.0; 512], vec![0.0; 512]], 0, [512], &[]);
    assert!(!rig.take_restart());
}
