//! Listening to a microphone.

use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use residue_app::device::ControlNames;
use residue_app::studio::{CpalBackend, DeviceRequest, StreamState, Studio, StudioOptions};
use residue_app::window::CONTROLS;
use residue_engine::live::ListeningSource;

use super::harness::{BLOCK, WindowHarness};

fn listening() -> WindowHarness {
    let mut harness = WindowHarness::new();
    harness.click("Start listening");
    harness.until("devices run", |harness| {
        matches!(harness.studio().stream_state(), StreamState::Running(_))
    });
    harness
}

/// The loudest sample that comes out of half a second of a loud microphone.
fn loudest(harness: &mut WindowHarness) -> f32 {
    let loud = vec![0.5; 12_000];
    harness.devices.feed(&[&loud, &loud]);
    harness.devices.take_heard();
    harness.devices.play(loud.len() + 100 * BLOCK as usize);
    harness.devices.take_heard()[0].iter().fold(0.0, |most, x| x.abs().max(most))
}

#[test]
fn a_microphone_starts_muted_with_a_hint_until_it_is_unmuted() {
    let mut harness = listening();
    harness.steps();
    assert!(harness.studio().muted() && harness.reads("Put on headphones"));
    assert_eq!(loudest(&mut harness), 0.0);
    harness.press(Key::M);
    assert!(!harness.studio().muted() && !harness.reads("Put on headphones"));
    harness.press(Key::D);
    assert!(loudest(&mut harness) > 0.4);
    harness.click("Mute");
    harness.devices.play(4096);
    assert!(harness.studio().muted());
    assert_eq!(loudest(&mut harness), 0.0);
    harness.click("Stop");
    harness
        .until("nothing runs", |harness| *harness.studio().stream_state() == StreamState::Stopped);
}

#[test]
fn keys_choose_what_is_heard_and_how_deep() {
    let mut harness = WindowHarness::new();
    let layers = harness.studio().model().facts.as_ref().unwrap().layers;
    for (key, source) in
        [(Key::D, ListeningSource::Dry), (Key::B, ListeningSource::B), (Key::A, ListeningSource::A)]
    {
        harness.press(key);
        assert_eq!(harness.studio().settings().source, source);
    }
    harness.press(Key::X);
    assert_eq!(harness.studio().settings().source, ListeningSource::B);
    harness.press(Key::X);
    let depths = |harness: &mut WindowHarness| harness.studio().settings().frames.depths;
    harness.press(Key::Num3);
    assert_eq!(depths(&mut harness)[0], 3);
    harness.press(Key::Period);
    assert_eq!(depths(&mut harness)[0], 4);
    harness.press(Key::Comma);
    harness.press(Key::Comma);
    assert_eq!(depths(&mut harness)[0], 2);
    harness.egui.key_press_modifiers(Modifiers::SHIFT, Key::Num7);
    harness.steps();
    assert_eq!(depths(&mut harness), [2, 7]);
    harness.press(Key::Num0);
    assert_eq!(depths(&mut harness), [layers, 7]);
    harness.press(Key::B);
    harness.press(Key::Num5);
    assert_eq!(depths(&mut harness), [layers, 5]);
    harness.press(Key::F);
    assert!(harness.studio().settings().frames.freeze);
}

#[test]
fn a_knob_is_turned_by_mouse_and_keys_and_typed_on() {
    let mut harness = WindowHarness::new();
    let depth = |harness: &mut WindowHarness| harness.studio().settings().frames.depths[0];
    harness.press(Key::Num8);
    let at = harness.egui.get_by_label("Depth A").rect().center();
    harness.egui.hover_at(at);
    harness.egui.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, 1.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    });
    harness.steps();
    assert_eq!(depth(&mut harness), 9);
    harness.egui.get_by_label("Depth A").focus();
    harness.steps();
    harness.press(Key::ArrowDown);
    assert_eq!(depth(&mut harness), 8);
    harness.press(Key::Enter);
    harness.egui.event(egui::Event::Text("2 kbps".into()));
    harness.steps();
    harness.press(Key::Enter);
    // One kilobit a layer.
    assert_eq!(depth(&mut harness), 2);
    // A digit on a knob begins to type, and means nothing to the window.
    harness.egui.key_press(Key::Num1);
    harness.egui.event(egui::Event::Text("1".into()));
    harness.steps();
    harness.egui.event(egui::Event::Text("2".into()));
    harness.steps();
    harness.press(Key::Enter);
    assert_eq!(depth(&mut harness), 12);
}

#[test]
fn pulling_the_plug_is_said_and_putting_it_in_again_goes_on() {
    let mut harness = listening();
    harness.devices.set_present(false);
    harness.until("the loss is said", |harness| {
        harness.reads("somebody pulled the plug") && harness.reads("Trying again")
    });
    let banners = harness.egui.query_all_by_label_contains("somebody pulled the plug").count();
    assert_eq!(banners, 1, "it is said once");
    harness.devices.set_present(true);
    harness.click("Try now");
    harness.until("devices run again", |harness| {
        matches!(harness.studio().stream_state(), StreamState::Running(_))
    });
    assert!(!harness.reads("Trying again"));
}

/// Errors of this computer's devices name fields that the window has, and no options.
#[test]
fn errors_of_devices_name_what_is_beside_them() {
    let mut harness = WindowHarness::new();
    harness.steps();
    let ControlNames { input, output, rate, buffer, channels, .. } = CONTROLS;
    for field in [input, output, rate, buffer, channels] {
        assert!(harness.reads(field), "{field} is not in the window");
    }
    let gone = DeviceRequest { host: Some("gramophone".into()), ..DeviceRequest::default() };
    let options = StudioOptions { devices: gone, ..StudioOptions::default() };
    let mut studio = Studio::new(Arc::new(CpalBackend::new(&CONTROLS)), options, Arc::new(|| ()));
    studio.start();
    harness.until("the audio backend is missed", |_| {
        studio.tick();
        matches!(studio.stream_state(), StreamState::Lost { why, .. }
            if why.contains("no audio backend `gramophone`")
                && why.ends_with("; choose one of these under Backend"))
    });
}

#[test]
fn devices_rate_and_buffer_are_chosen_from_what_there_is() {
    let mut harness = listening();
    harness.click("Input");
    assert!(harness.reads("Simulated microphone"));
    harness.click("Simulated microphone");
    harness.click("Output");
    harness.click("Simulated headphones");
    let choice = harness.studio().device_request();
    assert_eq!(choice.input.as_deref(), Some("Simulated microphone"));
    assert_eq!(choice.output.as_deref(), Some("Simulated headphones"));
    harness.click("Rate");
    harness.click("24 kHz");
    assert_eq!(harness.studio().device_request().rate, Some(24_000));
    harness.until("devices run with it", |harness| {
        matches!(harness.studio().stream_state(), StreamState::Running(_))
    });
}

#[test]
fn latency_load_and_late_frames_are_shown() {
    let mut harness = listening();
    // The sections above are folded, to have room for the last.
    harness.click("TOKENS");
    harness.click("CODEBOOK USE");
    harness.until("numbers are there", |harness| {
        harness.reads("Round trip") && harness.reads("Load") && harness.reads("0 late frames")
    });
    let words = ["Frame", "Compute", "Resampling", "Between", "Devices"];
    let text = |node: egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        node.label().or_else(|| node.value()).unwrap_or_default()
    };
    let labels: Vec<String> =
        harness.egui.query_all_by_label_contains("Round trip").map(text).collect();
    let label = labels.iter().find(|label| words.iter().all(|word| label.contains(word)));
    assert!(label.is_some(), "the parts of the latency in {labels:?}");
}
