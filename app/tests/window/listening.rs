//! Listening to a microphone.

use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use residue_app::device::Controls;
use residue_app::studio::{Cards, DeviceChoice, StreamState, Studio, StudioOptions};
use residue_app::window::CONTROLS;
use residue_engine::live::ListeningSource;

use super::desk::{BLOCK, Desk};

fn listening() -> Desk {
    let mut desk = Desk::new();
    desk.click("Start listening");
    desk.until("devices run", |desk| {
        matches!(desk.studio().stream_state(), StreamState::Running(_))
    });
    desk
}

/// The loudest sample that comes out of half a second of a loud microphone.
fn loudest(desk: &mut Desk) -> f32 {
    let loud = vec![0.5; 12_000];
    desk.devices.feed(&[&loud, &loud]);
    desk.devices.take_heard();
    desk.devices.play(loud.len() + 100 * BLOCK as usize);
    desk.devices.take_heard()[0].iter().fold(0.0, |most, x| x.abs().max(most))
}

#[test]
fn a_microphone_starts_muted_with_a_hint_until_it_is_unmuted() {
    let mut desk = listening();
    desk.steps();
    assert!(desk.studio().muted() && desk.reads("Put on headphones"));
    assert_eq!(loudest(&mut desk), 0.0);
    desk.press(Key::M);
    assert!(!desk.studio().muted() && !desk.reads("Put on headphones"));
    desk.press(Key::D);
    assert!(loudest(&mut desk) > 0.4);
    desk.click("Mute");
    desk.devices.play(4096);
    assert!(desk.studio().muted());
    assert_eq!(loudest(&mut desk), 0.0);
    desk.click("Stop");
    desk.until("nothing runs", |desk| *desk.studio().stream_state() == StreamState::Stopped);
}

#[test]
fn keys_choose_what_is_heard_and_how_deep() {
    let mut desk = Desk::new();
    let layers = desk.studio().model().facts.as_ref().unwrap().layers;
    for (key, source) in
        [(Key::D, ListeningSource::Dry), (Key::B, ListeningSource::B), (Key::A, ListeningSource::A)]
    {
        desk.press(key);
        assert_eq!(desk.studio().settings().source, source);
    }
    desk.press(Key::X);
    assert_eq!(desk.studio().settings().source, ListeningSource::B);
    desk.press(Key::X);
    let depths = |desk: &mut Desk| desk.studio().settings().frames.depths;
    desk.press(Key::Num3);
    assert_eq!(depths(&mut desk)[0], 3);
    desk.press(Key::Period);
    assert_eq!(depths(&mut desk)[0], 4);
    desk.press(Key::Comma);
    desk.press(Key::Comma);
    assert_eq!(depths(&mut desk)[0], 2);
    desk.harness.key_press_modifiers(Modifiers::SHIFT, Key::Num7);
    desk.steps();
    assert_eq!(depths(&mut desk), [2, 7]);
    desk.press(Key::Num0);
    assert_eq!(depths(&mut desk), [layers, 7]);
    desk.press(Key::B);
    desk.press(Key::Num5);
    assert_eq!(depths(&mut desk), [layers, 5]);
    desk.press(Key::F);
    assert!(desk.studio().settings().frames.freeze);
}

#[test]
fn a_knob_is_turned_by_mouse_and_keys_and_typed_on() {
    let mut desk = Desk::new();
    let depth = |desk: &mut Desk| desk.studio().settings().frames.depths[0];
    desk.press(Key::Num8);
    let at = desk.harness.get_by_label("Depth A").rect().center();
    desk.harness.hover_at(at);
    desk.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, 1.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    });
    desk.steps();
    assert_eq!(depth(&mut desk), 9);
    desk.harness.get_by_label("Depth A").focus();
    desk.steps();
    desk.press(Key::ArrowDown);
    assert_eq!(depth(&mut desk), 8);
    desk.press(Key::Enter);
    desk.harness.event(egui::Event::Text("2 kbps".into()));
    desk.steps();
    desk.press(Key::Enter);
    // One kilobit a layer.
    assert_eq!(depth(&mut desk), 2);
    // A digit on a knob begins to type, and means nothing to the window.
    desk.harness.key_press(Key::Num1);
    desk.harness.event(egui::Event::Text("1".into()));
    desk.steps();
    desk.harness.event(egui::Event::Text("2".into()));
    desk.steps();
    desk.press(Key::Enter);
    assert_eq!(depth(&mut desk), 12);
}

#[test]
fn pulling_the_plug_is_said_and_putting_it_in_again_goes_on() {
    let mut desk = listening();
    desk.devices.set_present(false);
    desk.until("the loss is said", |desk| {
        desk.reads("somebody pulled the plug") && desk.reads("Trying again")
    });
    desk.devices.set_present(true);
    desk.click("Try now");
    desk.until("devices run again", |desk| {
        matches!(desk.studio().stream_state(), StreamState::Running(_))
    });
    assert!(!desk.reads("Trying again"));
}

/// Errors of this computer's devices name fields that the window has, and no options.
#[test]
fn errors_of_devices_name_what_is_beside_them() {
    let mut desk = Desk::new();
    desk.steps();
    let Controls { input, output, rate, buffer, channels, .. } = CONTROLS;
    for field in [input, output, rate, buffer, channels] {
        assert!(desk.reads(field), "{field} is not in the window");
    }
    let gone = DeviceChoice { host: Some("gramophone".into()), ..DeviceChoice::default() };
    let options = StudioOptions { devices: gone, ..StudioOptions::default() };
    let mut studio = Studio::new(Arc::new(Cards::new(&CONTROLS)), options, Arc::new(|| ()));
    studio.start();
    desk.until("the sound system is missed", |_| {
        studio.tick();
        matches!(studio.stream_state(), StreamState::Lost { why, .. }
            if why.contains("no sound system `gramophone`")
                && why.ends_with("; choose one of these under System"))
    });
}

#[test]
fn devices_rate_and_buffer_are_chosen_from_what_there_is() {
    let mut desk = listening();
    desk.click("Input");
    assert!(desk.reads("Simulated microphone"));
    desk.click("Simulated microphone");
    desk.click("Output");
    desk.click("Simulated headphones");
    let choice = desk.studio().device_choice().clone();
    assert_eq!(choice.input.as_deref(), Some("Simulated microphone"));
    assert_eq!(choice.output.as_deref(), Some("Simulated headphones"));
    desk.click("Rate");
    desk.click("24 kHz");
    assert_eq!(desk.studio().device_choice().rate, Some(24_000));
    desk.until("devices run with it", |desk| {
        matches!(desk.studio().stream_state(), StreamState::Running(_))
    });
}

#[test]
fn latency_load_and_late_frames_are_shown() {
    let mut desk = listening();
    // What is above it, to have room for the last.
    desk.click("TOKENS");
    desk.click("CODEBOOK USE");
    desk.until("numbers are there", |desk| {
        desk.reads("Round trip") && desk.reads("Load") && desk.reads("0 late frames")
    });
    let words = ["Frame", "Compute", "Resampling", "Between", "Devices"];
    let text = |node: egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        node.label().or_else(|| node.value()).unwrap_or_default()
    };
    let labels: Vec<String> =
        desk.harness.query_all_by_label_contains("Round trip").map(text).collect();
    let label = labels.iter().find(|label| words.iter().all(|word| label.contains(word)));
    assert!(label.is_some(), "the parts of the latency in {labels:?}");
}
