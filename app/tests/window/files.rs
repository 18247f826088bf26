//! Files of audio and codes.

use egui::Key;
use egui_kittest::kittest::Queryable;
use residue_app::studio::InputKind;

use super::harness::{WindowHarness, clip};

fn playing() -> WindowHarness {
    let mut harness = WindowHarness::new();
    harness.open(&clip());
    harness.until("the clip plays", |harness| {
        harness.studio().transport().is_some_and(|transport| transport.position_s > 0.1)
    });
    harness
}

#[test]
fn a_file_is_opened_played_and_paused() {
    let mut harness = playing();
    assert_eq!(harness.studio().input(), InputKind::File);
    assert!(harness.reads("speech.flac") && !harness.studio().muted());
    harness.press(Key::Space);
    assert!(!harness.studio().transport().unwrap().playing);
    harness.click("Play");
    assert!(harness.studio().transport().unwrap().playing);
    harness.click("Pause");
    assert!(!harness.studio().transport().unwrap().playing);
}

#[test]
fn the_waveform_seeks_and_loops() {
    let mut harness = playing();
    harness.click("Pause");
    let length = harness.studio().transport().unwrap().length_s;
    let rect = harness.egui.get_by_label("Position").rect();
    let at = |share: f32| egui::pos2(rect.left() + rect.width() * share, rect.top() + 20.0);
    harness.egui.drag_at(at(0.5));
    harness.steps();
    harness.egui.drop_at(at(0.5));
    harness.steps();
    harness.until("it is there", |harness| {
        let position = harness.studio().transport().unwrap().position_s;
        (position / length - 0.5).abs() < 0.05
    });
    harness.egui.drag_at(at(0.2));
    harness.steps();
    harness.egui.hover_at(at(0.3));
    harness.steps();
    harness.egui.hover_at(at(0.4));
    harness.steps();
    harness.egui.drop_at(at(0.4));
    harness.steps();
    let (start, end) = harness.studio().transport().unwrap().loop_region.expect("a loop");
    assert!((start / length - 0.2).abs() < 0.02 && (end / length - 0.4).abs() < 0.02);
    harness.press(Key::L);
    assert_eq!(harness.studio().transport().unwrap().loop_region, None);
    harness.click("Loop");
    assert!(harness.studio().transport().unwrap().loop_region.is_some());
}

#[test]
fn what_cannot_be_opened_is_said_and_what_plays_goes_on() {
    let mut harness = playing();
    let path = harness.folder.path().join("no such.wav");
    harness.open(&path);
    assert!(harness.reads("does not exist"));
    harness.click("Dismiss");
    assert!(!harness.reads("does not exist"));
    std::fs::write(&path, "no audio").unwrap();
    harness.open(&path);
    harness.until("it is said", |harness| harness.reads("no such.wav"));
    assert!(harness.reads("speech.flac"));
}

#[test]
fn a_recording_has_what_is_heard_each_lane_and_the_codes() {
    let mut harness = playing();
    harness.press(Key::R);
    harness.until("a second is recorded", |harness| {
        harness.studio().recording().is_some_and(|recording| recording.seconds() > 1.0)
    });
    assert!(harness.reads("End recording"));
    harness.press(Key::R);
    let folder = harness.folder.path().join("recordings/recording-001");
    harness.until("it has ended", |harness| harness.studio().recording().is_none());
    for name in ["heard.wav", "dry.wav", "a.wav", "b.wav", "codes.npy"] {
        let bytes = folder.join(name).metadata().unwrap_or_else(|_| panic!("no {name}")).len();
        assert!(bytes > 100, "{name}: {bytes} bytes");
    }
    // The codes can be heard again, at any depth.
    harness.open(&folder.join("codes.npy"));
    harness.until("the codes play", |harness| {
        harness.studio().input() == InputKind::Tokens
            && harness.studio().transport().is_some_and(|transport| transport.position_s > 0.05)
    });
    assert!(harness.reads("codes.npy"));
    harness.press(Key::Num2);
    assert_eq!(harness.studio().settings().frames.depths[0], 2);
}
