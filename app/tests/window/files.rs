//! Files of audio and codes.

use egui::Key;
use egui_kittest::kittest::Queryable;
use residue_app::studio::Input;

use super::desk::{Desk, clip};

fn playing() -> Desk {
    let mut desk = Desk::new();
    desk.open(&clip());
    desk.until("the clip plays", |desk| {
        desk.studio().transport().is_some_and(|transport| transport.position_s > 0.1)
    });
    desk
}

#[test]
fn a_file_is_opened_played_and_paused() {
    let mut desk = playing();
    assert_eq!(desk.studio().input(), Input::File);
    assert!(desk.reads("speech.flac") && !desk.studio().muted());
    desk.press(Key::Space);
    assert!(!desk.studio().transport().unwrap().playing);
    desk.click("Play");
    assert!(desk.studio().transport().unwrap().playing);
    desk.click("Pause");
    assert!(!desk.studio().transport().unwrap().playing);
}

#[test]
fn the_waveform_seeks_and_loops() {
    let mut desk = playing();
    desk.click("Pause");
    let length = desk.studio().transport().unwrap().length_s;
    let rect = desk.harness.get_by_label("Position").rect();
    let at = |share: f32| egui::pos2(rect.left() + rect.width() * share, rect.top() + 20.0);
    desk.harness.drag_at(at(0.5));
    desk.steps();
    desk.harness.drop_at(at(0.5));
    desk.steps();
    desk.until("it is there", |desk| {
        let position = desk.studio().transport().unwrap().position_s;
        (position / length - 0.5).abs() < 0.05
    });
    desk.harness.drag_at(at(0.2));
    desk.steps();
    desk.harness.hover_at(at(0.3));
    desk.steps();
    desk.harness.hover_at(at(0.4));
    desk.steps();
    desk.harness.drop_at(at(0.4));
    desk.steps();
    let (start, end) = desk.studio().transport().unwrap().loop_region.expect("a loop");
    assert!((start / length - 0.2).abs() < 0.02 && (end / length - 0.4).abs() < 0.02);
    desk.press(Key::L);
    assert_eq!(desk.studio().transport().unwrap().loop_region, None);
    desk.click("Loop");
    assert!(desk.studio().transport().unwrap().loop_region.is_some());
}

#[test]
fn what_cannot_be_opened_is_said_and_what_plays_goes_on() {
    let mut desk = playing();
    let path = desk.folder.path().join("no such.wav");
    desk.open(&path);
    assert!(desk.reads("does not exist"));
    desk.click("Dismiss");
    assert!(!desk.reads("does not exist"));
    std::fs::write(&path, "no audio").unwrap();
    desk.open(&path);
    desk.until("it is said", |desk| desk.reads("no such.wav"));
    assert!(desk.reads("speech.flac"));
}

#[test]
fn a_recording_has_what_is_heard_each_lane_and_the_codes() {
    let mut desk = playing();
    desk.press(Key::R);
    desk.until("a second is recorded", |desk| {
        desk.studio().recording().is_some_and(|recording| recording.seconds() > 1.0)
    });
    assert!(desk.reads("End recording"));
    desk.press(Key::R);
    let folder = desk.folder.path().join("recordings/recording-001");
    desk.until("it has ended", |desk| desk.studio().recording().is_none());
    for name in ["heard.wav", "dry.wav", "a.wav", "b.wav", "codes.npy"] {
        let bytes = folder.join(name).metadata().unwrap_or_else(|_| panic!("no {name}")).len();
        assert!(bytes > 100, "{name}: {bytes} bytes");
    }
    // The codes can be heard again, at any depth.
    desk.open(&folder.join("codes.npy"));
    desk.until("the codes play", |desk| {
        desk.studio().input() == Input::Tokens
            && desk.studio().transport().is_some_and(|transport| transport.position_s > 0.05)
    });
    assert!(desk.reads("codes.npy"));
    desk.press(Key::Num2);
    assert_eq!(desk.studio().settings().frames.depths[0], 2);
}
