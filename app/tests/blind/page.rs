//! The page, by keyboard alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use residue_app::blind::Contender;
use residue_app::studio::LoadedFile;
use residue_app::window::blind_page::{BlindPage, BlindTestKind, TestableSound};
use residue_engine::blind::{SeededRandom, TestResult, Threshold};
use residue_engine::models::EMBEDDED;
use residue_engine::models::{ListedModel, ModelStore, ModelSummary};
use residue_ui::Theme;
use serde_json::Value;

use crate::listener::{Headphones, RATE, depth, distance_db, pause, speech};

/// A page that draws from this seed.
pub fn page(seed: u64) -> BlindPage {
    let draws = Box::new(move || Box::new(SeededRandom(seed)) as _);
    BlindPage::with_draws(ModelStore::from_env(), Arc::new(|| ()), draws)
}

/// A clip of speech with a loop of 1.2 seconds, and the embedded model.
pub fn offer() -> TestableSound {
    let material = speech(None);
    let file = LoadedFile {
        name: material.name,
        path: "speech.flac".into(),
        audio: material.audio,
        peaks: Arc::new([]),
        sha256: material.sha256,
    };
    let listed = |id: &str, layers, here| ListedModel {
        id: id.into(),
        repository: None,
        here,
        can_pull: false,
        place: String::new(),
        config: None,
        summary: Some(ModelSummary { rate: 24_000, channels: 1, layers, parameters: 11_000_000 }),
        bytes: None,
        download_bytes: None,
        verified: None,
    };
    TestableSound {
        file: Some(file),
        loop_region: Some((1.0, 2.2)),
        models: vec![listed(EMBEDDED, 32, true), listed("v1", 32, false)],
    }
}

pub struct Table {
    pub page: BlindPage,
    pub offer: TestableSound,
    pub ears: Headphones,
}

pub fn harness(page: BlindPage) -> Harness<'static, Table> {
    let table = Table { page, offer: offer(), ears: Headphones::default() };
    let mut harness =
        Harness::builder().with_size(vec2(720.0, 700.0)).with_step_dt(0.02).build_ui_state(
            |ui, Table { page, offer, ears }: &mut Table| {
                Theme::install(ui.ctx());
                page.show(ui, offer, ears);
            },
            table,
        );
    harness.run_steps(3);
    harness
}

fn press(harness: &mut Harness<'_, Table>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

/// Starts the test and waits until it plays.
fn start(harness: &mut Harness<'_, Table>) {
    press(harness, Key::Enter);
    wait_for_sound(harness);
}

fn wait_for_sound(harness: &mut Harness<'_, Table>) {
    let plays = |table: &Table| table.page.is_testing() && table.ears.0.borrow().stimuli.is_some();
    while !plays(harness.state()) {
        harness.run_steps(1);
        pause();
    }
}

/// Tab until something of this name has the focus.
fn tab_to(harness: &mut Harness<'_, Table>, label: &str) {
    let mut stops = Vec::new();
    for _ in 0..60 {
        press(harness, Key::Tab);
        let focused = harness.root().children_recursive().find(|node| node.is_focused());
        let stop = focused.and_then(|node| node.accesskit_node().label()).unwrap_or_default();
        if stop == label {
            return;
        }
        stops.push(stop);
    }
    panic!("Tab never reached {label}, but {stops:?}");
}

/// Types a folder into the report's entry, saves there, and returns the two files.
fn save(harness: &mut Harness<'_, Table>, folder: &Path) -> (Value, String) {
    harness.state_mut().page.folder = folder.join("reports").display().to_string();
    tab_to(harness, "Save the report");
    press(harness, Key::Enter);
    let mut files: Vec<_> =
        fs::read_dir(folder.join("reports")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let [json, text] = files.as_slice() else { panic!("two files, found {files:?}") };
    assert!(json.extension().unwrap() == "json" && text.extension().unwrap() == "txt");
    let json = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    (json, fs::read_to_string(text).unwrap())
}

#[test]
fn a_whole_abx_test_by_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(page(11));
    let setup = &mut harness.state_mut().page.setup;
    setup.pair = [Contender::Original, depth(4)];
    setup.trials = 10;
    harness.state().ears.0.borrow_mut().muted = true;
    start(&mut harness);
    assert!(!harness.state().ears.0.borrow().muted);
    for trial in 1..=10 {
        harness.get_by_label(&format!("Trial {trial} of 10"));
        let mut hear = |key| {
            press(&mut harness, key);
            harness.state().ears.heard()
        };
        let (a, b, x) = (hear(Key::A), hear(Key::B), hear(Key::X));
        assert!(a != b && (x == a || x == b));
        let is_a = x == a;
        // Both ways to answer.
        if trial % 2 == 0 {
            press(&mut harness, if is_a { Key::Num1 } else { Key::Num2 });
        } else {
            press(&mut harness, if is_a { Key::ArrowLeft } else { Key::ArrowRight });
            press(&mut harness, Key::Enter);
        }
    }
    let report = harness.state().page.report().expect("over").clone();
    let TestResult::Abx(result) = &report.findings else { panic!("ABX") };
    assert_eq!((result.right, result.trials), (10, 10));
    assert!((result.p - 1.0 / 1024.0).abs() < 1e-12);
    harness.get_by_label_contains("10 of 10 right: a difference was heard");
    harness.get_by_label("p = 9.8e-4");
    assert!(harness.state().ears.0.borrow().muted, "as silent as before");

    let (json, text) = save(&mut harness, folder.path());
    assert_eq!(json["findings"]["right"], 10);
    assert_eq!(json["result"].as_str().unwrap(), report.result);
    for sum in [
        &json["passage"]["sha256"],
        &json["models"][0]["sha256"],
        &json["compared"][0]["sha256"],
        &json["compared"][1]["sha256"],
    ] {
        let sum = sum.as_str().unwrap();
        assert!(sum.len() == 64 && sum.bytes().all(|c| c.is_ascii_hexdigit()), "{sum}");
        assert!(text.contains(sum), "{text}");
    }
    assert_eq!(json["passage"]["file_sha256"], "c0de");
    assert_eq!(json["played_rate"], RATE);
    assert!(json["made_by"].as_str().unwrap().starts_with("residue "));
    assert!(text.starts_with("10 of 10 right"), "{text}");
}

#[test]
fn space_pauses_and_plays() {
    let mut harness = harness(page(5));
    start(&mut harness);
    let playing = |harness: &Harness<'_, Table>| harness.state().ears.0.borrow().playing;
    assert!(playing(&harness));
    press(&mut harness, Key::Space);
    assert!(!playing(&harness));
    harness.get_by_label("Play");
    press(&mut harness, Key::Space);
    assert!(playing(&harness));
    harness.get_by_label("Pause");
}

#[test]
fn stopping_asks_once_more_and_keeps_nothing() {
    let mut harness = harness(page(5));
    start(&mut harness);
    press(&mut harness, Key::X);
    press(&mut harness, Key::Num1);
    press(&mut harness, Key::Escape);
    harness.get_by_label_contains("Nothing is kept");
    press(&mut harness, Key::Escape);
    assert!(harness.state().page.is_testing(), "Escape takes it back");
    press(&mut harness, Key::Escape);
    press(&mut harness, Key::Enter);
    assert!(!harness.state().page.is_testing() && harness.state().page.report().is_none());
    assert!(harness.state().ears.0.borrow().stimuli.is_none());
    harness.get_by_label("Start the test");
}

#[test]
fn a_threshold_by_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(page(3));
    harness.state_mut().page.setup.test = BlindTestKind::Threshold;
    start(&mut harness);
    let mut trials = 0;
    while harness.state().page.report().is_none() {
        wait_for_sound(&mut harness);
        let before = harness.state().ears.0.borrow().auditions;
        let mut hear = |key| {
            press(&mut harness, key);
            harness.state().ears.heard()
        };
        let (a, b, x) = (hear(Key::A), hear(Key::B), hear(Key::X));
        // Deaf to what is 4 dB below the voice.
        let answer = if distance_db(&a, &b) < -4.0 {
            if trials % 2 == 0 { Key::Num1 } else { Key::Num2 }
        } else if x == a {
            Key::Num1
        } else {
            Key::Num2
        };
        press(&mut harness, answer);
        trials += 1;
        while harness.state().page.report().is_none()
            && harness.state().ears.0.borrow().auditions == before
        {
            harness.run_steps(1);
            pause();
        }
    }
    let report = harness.state().page.report().unwrap().clone();
    let TestResult::Staircase(result) = &report.findings else { panic!("a staircase") };
    assert_eq!(result.trials.len(), trials);
    assert!(!matches!(result.threshold, Threshold::AboveFullDepth), "{result:?}");
    let (json, text) = save(&mut harness, folder.path());
    assert_eq!(json["findings"]["test"], "staircase");
    assert_eq!(json["findings"]["trials"].as_array().unwrap().len(), trials);
    assert!(text.contains("the original beside depth 1:"), "{text}");
}

#[test]
fn a_rating_by_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(page(9));
    harness.state_mut().page.setup.test = BlindTestKind::Rating;
    harness.state_mut().page.setup.depths = vec![2, 8];
    start(&mut harness);
    let reference = harness.state().ears.heard();
    for key in [Key::Num1, Key::Num2, Key::Num3, Key::Num4] {
        press(&mut harness, Key::Enter);
        assert!(harness.state().page.report().is_none(), "not all are rated");
        press(&mut harness, key);
        if harness.state().ears.heard() == reference {
            press(&mut harness, Key::End);
        } else {
            press(&mut harness, Key::PageDown);
        }
    }
    press(&mut harness, Key::R);
    assert_eq!(harness.state().ears.heard(), reference);
    press(&mut harness, Key::Enter);
    let report = harness.state().page.report().expect("over").clone();
    let TestResult::Rating { scores, heard_reference } = &report.findings else {
        panic!("a rating")
    };
    assert!(*heard_reference);
    let scores: Vec<_> = scores.iter().map(|scored| (scored.name.as_str(), scored.score)).collect();
    assert_eq!(scores[0], ("the original", 100));
    assert!(scores[1..].iter().all(|(_, score)| *score == 40), "{scores:?}");
    assert!(scores.iter().any(|(name, _)| name.starts_with("the anchor")));
    let (json, _) = save(&mut harness, folder.path());
    assert_eq!(json["compared"].as_array().unwrap().len(), 4);
}

#[test]
fn what_is_missing_is_said() {
    let mut harness = harness(page(1));
    harness.state_mut().offer.file = None;
    harness.run_steps(2);
    harness.get_by_label("Open an audio file first.");
    press(&mut harness, Key::Enter);
    assert!(!harness.state().page.is_testing());

    harness.state_mut().offer = offer();
    harness.state().ears.0.borrow_mut().off = true;
    harness.run_steps(2);
    press(&mut harness, Key::Enter);
    assert!(!harness.state().ears.0.borrow().off, "Enter starts the sound");

    harness.state_mut().offer.loop_region = Some((1.0, 1.2));
    harness.run_steps(2);
    harness.get_by_label_contains("0.5 seconds or more");
}

#[test]
fn the_set_up_is_chosen_by_keyboard() {
    let mut harness = harness(page(1));
    tab_to(&mut harness, "Test: Rating");
    press(&mut harness, Key::Enter);
    assert_eq!(harness.state().page.setup.test, BlindTestKind::Rating);
    tab_to(&mut harness, "Rate depth 3");
    press(&mut harness, Key::Enter);
    assert!(harness.state().page.setup.depths.contains(&3));
    tab_to(&mut harness, "Rate depth 8");
    press(&mut harness, Key::Enter);
    assert!(!harness.state().page.setup.depths.contains(&8));
    tab_to(&mut harness, "Test: ABX");
    press(&mut harness, Key::Enter);
    tab_to(&mut harness, "A: a codec");
    press(&mut harness, Key::Enter);
    tab_to(&mut harness, "A: precision int8");
    press(&mut harness, Key::Enter);
    tab_to(&mut harness, "A: depth");
    press(&mut harness, Key::ArrowRight);
    let [a, b] = &harness.state().page.setup.pair;
    assert_eq!(a.to_string(), "depth 9 of embedded in int8");
    assert_eq!(b.to_string(), "depth 8 of embedded in f32");
    assert!(harness.query_by_label("A: model v1").is_none(), "it is not here");
    tab_to(&mut harness, "Match loudness");
    press(&mut harness, Key::Space);
    assert!(!harness.state().page.setup.match_levels);
    let named = harness.get_by_label("Start the test");
    assert!(!named.accesskit_node().is_disabled());
}
