//! Parameters changed with mouse and keys.

use egui::{Event, Key, Modifiers, PointerButton, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use residue_plugin::{ListenTo, PRESETS};

use crate::harness::{EditorHarness, Gesture, open};

fn begin(name: &str) -> Gesture {
    Gesture::Begin(name.into())
}

fn end(name: &str) -> Gesture {
    Gesture::End(name.into())
}

/// Drags a knob up by so many points.
fn drag(open: &mut EditorHarness, name: &str, up: f32) {
    let from = open.window.get_by_label(name).rect().center();
    let modifiers = Modifiers::NONE;
    open.window.event(Event::PointerMoved(from));
    let button = PointerButton::Primary;
    open.window.event(Event::PointerButton { pos: from, button, pressed: true, modifiers });
    open.window.run_steps(1);
    // Until it is no click any more.
    let from = from - vec2(0.0, 10.0);
    open.window.event(Event::PointerMoved(from));
    open.window.run_steps(1);
    for n in 1..=10 {
        open.window.event(Event::PointerMoved(from - vec2(0.0, up * n as f32 / 10.0)));
        open.window.run_steps(1);
    }
    let pos = from - vec2(0.0, up);
    open.window.event(Event::PointerButton { pos, button, pressed: false, modifiers });
    open.window.run_steps(2);
}

#[test]
fn a_knob_is_turned_by_mouse_in_one_gesture() {
    let mut open = open(|_| {});
    // 220 points are the whole range of 31 steps.
    drag(&mut open, "Depth A", -71.0);
    assert_eq!(open.instance.params.codec.depth_a.value(), 22);
    let gestures = open.gestures.take();
    assert_eq!(gestures.first(), Some(&begin("Depth A")));
    assert_eq!(gestures.last(), Some(&end("Depth A")));
    let sets = gestures
        .iter()
        .filter(|gesture| matches!(gesture, Gesture::Set(name, _) if name == "Depth A"));
    assert_eq!(sets.count(), gestures.len() - 2, "{gestures:?}");
    assert!(gestures.len() > 4, "it moves on the way: {gestures:?}");
}

#[test]
fn a_knob_is_turned_by_keys_reset_and_typed() {
    let mut open = open(|_| {});
    let value = |open: &EditorHarness| open.instance.params.codec.depth_a.value();
    open.window.get_by_label("Depth A").focus();
    open.window.run_steps(2);
    for (key, expected) in [(Key::ArrowDown, 31), (Key::PageDown, 27), (Key::Home, 1)] {
        open.window.key_press(key);
        open.window.run_steps(2);
        assert_eq!(value(&open), expected, "{key:?}");
        let gestures = open.gestures.take();
        assert_eq!(
            (gestures.len(), &gestures[0], &gestures[2]),
            (3, &begin("Depth A"), &end("Depth A"))
        );
    }
    open.window.key_press(Key::Enter);
    open.window.run_steps(2);
    open.window.event(Event::Text("2 kbps".into()));
    open.window.run_steps(2);
    open.window.key_press(Key::Enter);
    open.window.run_steps(2);
    assert_eq!(value(&open), 2, "the embedded model has 1 kbps a layer");
    open.window.key_press(Key::Delete);
    open.window.run_steps(2);
    assert_eq!(value(&open), 32);
}

/// Letters that are typed into an entry choose nothing.
#[test]
fn typing_is_not_choosing() {
    let mut open = open(|_| {});
    open.window.get_by_label("Mix").focus();
    open.window.run_steps(2);
    open.window.key_press(Key::Enter);
    open.window.run_steps(2);
    for key in [Key::D, Key::X, Key::Num3] {
        open.window.key_press(key);
        open.window.run_steps(2);
    }
    assert_eq!(open.instance.params.codec.listen.value(), ListenTo::A);
    assert!(!open.instance.params.codec.swap.value());
    assert_eq!(open.gestures.take(), []);
}

#[test]
fn sources_are_chosen_by_mouse_and_letters() {
    let mut open = open(|_| {});
    let listen = |open: &EditorHarness| open.instance.params.codec.listen.value();
    open.window.get_by_label("Listen to Dry\u{2212}A").click();
    open.window.run_steps(2);
    assert_eq!(listen(&open), ListenTo::DryMinusA);
    assert_eq!(open.gestures.take().len(), 3, "one gesture");
    for (key, expected) in [(Key::B, ListenTo::B), (Key::D, ListenTo::Dry), (Key::A, ListenTo::A)] {
        open.window.key_press(key);
        open.window.run_steps(2);
        assert_eq!(listen(&open), expected, "{key:?}");
    }
    open.window.key_press(Key::X);
    open.window.run_steps(2);
    assert!(open.instance.params.codec.swap.value(), "A and B have changed places");
    assert_eq!(listen(&open), ListenTo::A);
    // What is heard is asked for, swapped or not.
    open.window.key_press(Key::A);
    open.window.run_steps(2);
    assert_eq!(listen(&open), ListenTo::B);
}

#[test]
fn presets_are_chosen_from_the_menu_and_by_digits() {
    let mut open = open(|_| {});
    // What nobody has touched is the first preset.
    open.window.get_by_label("Preset: Full depth").click();
    open.window.run_steps(3);
    open.window.get_by_label("Preset Tunnel").click();
    open.window.run_steps(3);
    let line = &open.instance.params.transmission;
    assert_eq!((line.loss.value(), line.burst.value().round()), (33.0, 12.0));
    assert_eq!(open.instance.params.codec.depth_a.value(), 2, "2 kbps");
    assert!(open.window.query_by_label("Preset: Tunnel").is_some(), "the menu says which");
    let gestures = open.gestures.take();
    assert_eq!(gestures.len(), 30, "ten gestures");
    // Elsewhere, so that nothing has the focus.
    open.window.key_press(Key::Escape);
    open.window.run_steps(2);
    for (n, key) in [(0, Key::Num1), (5, Key::Num6)] {
        open.window.key_press(key);
        open.window.run_steps(3);
        let name = format!("Preset: {}", PRESETS[n].name);
        assert!(open.window.query_by_label(&name).is_some(), "{name}");
    }
}

/// Every parameter is in the editor.
#[test]
fn every_parameter_can_be_reached() {
    let mut open = open(|_| {});
    let labels = [
        ("Depth A", Key::ArrowDown),
        ("Depth B", Key::ArrowUp),
        ("Listen to A, 32 kbps", Key::ArrowRight),
        ("Swap A and B  (X)", Key::Space),
        ("Mix", Key::ArrowDown),
        ("Match loudness", Key::Space),
        ("Frame loss", Key::ArrowUp),
        ("Burst length", Key::ArrowUp),
        ("Lost frames: Repeat", Key::ArrowRight),
        ("Freeze", Key::Space),
        ("Input", Key::ArrowUp),
        ("Output", Key::ArrowUp),
        ("Bypass", Key::Space),
        ("Late frames: Dry", Key::ArrowRight),
        ("Stereo in mono models: Both channels", Key::ArrowRight),
    ];
    let mut touched = Vec::new();
    for (label, key) in labels {
        // Depths show their text in the strip.
        let label = match label.strip_prefix("Listen to A") {
            Some(_) => "Listen to A, 31 kbps",
            None => label,
        };
        open.window.get_by_label(label).focus();
        open.window.run_steps(2);
        open.window.key_press(key);
        open.window.run_steps(2);
        let gestures = open.gestures.take();
        let [Gesture::Begin(name), Gesture::Set(..), Gesture::End(_)] = &gestures[..] else {
            panic!("{label}: {gestures:?}");
        };
        touched.push(name.clone());
    }
    let params = nice_plug::params::Params::param_map(&*open.instance.params);
    // SAFETY: the instance holds the parameters.
    let all: Vec<&str> = params.iter().map(|(_, param, _)| unsafe { param.name() }).collect();
    assert_eq!(touched, all);
}

/// A value that a host's automation brings is shown; one that the host has not brought back yet too.
#[test]
fn automation_is_followed() {
    use nice_plug::params::Param;

    let mut open = open(|_| {});
    let depth = &open.instance.params.codec.depth_b;
    // SAFETY: nothing else uses it meanwhile.
    unsafe { depth.as_ptr()._internal_set_normalized_value(depth.preview_normalized(9)) };
    open.window.run_steps(2);
    let knob = open.window.get_by_label("Depth B");
    assert_eq!(knob.accesskit_node().value().as_deref(), Some("9 kbps, 9 layers"));
    assert_eq!(open.gestures.take(), [], "showing is not changing");
}

#[test]
fn the_look_is_saved() {
    let mut open = open(|_| {});
    assert!(!open.instance.params.editor.get().light);
    open.window.get_by_label("Light").click();
    open.window.run_steps(3);
    assert!(open.instance.params.editor.get().light);
    assert!(open.window.query_by_label("Dark").is_some());
}
