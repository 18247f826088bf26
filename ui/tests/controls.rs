//! What a person does to knob, strip and map, with mouse, keys and a screen reader.

use egui::accesskit::{Role, Toggled};
use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, TouchPhase, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use residue_engine::live::ListeningSource;
use residue_ui::knob_scale::{DecibelScale, DepthScale, PercentScale};
use residue_ui::source_strip::shortcut;
use residue_ui::{
    Knob, KnobScale, LevelMeters, LiveSpectrogram, SpectrogramOptions, Timeline, TokenAction,
    TokenMap, TokenMapOptions, TokenReading, WaveformAction, source_strip, waveform,
};
use residue_ui_testing::signals::{RATE, codes, voices};

const DEPTH: DepthScale = DepthScale { layers: 16, kbps_per_layer: 0.125, default: 8 };

/// A knob named "Depth A" with its value and how often it changed.
fn knob<'a>(quantity: &'a dyn KnobScale, value: f64) -> Harness<'a, (f64, usize)> {
    Harness::builder().with_size(vec2(200.0, 140.0)).with_step_dt(0.02).build_ui_state(
        move |ui, (value, changes): &mut (f64, usize)| {
            if Knob::new("Depth A", quantity).show(ui, value).changed() {
                *changes += 1;
            }
        },
        (value, 0),
    )
}

fn centre<S>(harness: &Harness<'_, S>, label: &str) -> Pos2 {
    harness.get_by_label(label).rect().center()
}

/// Drags the knob up by so many points, in steps.
fn drag(harness: &mut Harness<'_, (f64, usize)>, up: f32, modifiers: Modifiers) {
    let from = centre(harness, "Depth A");
    harness.event(Event::PointerMoved(from));
    harness.event(Event::PointerButton {
        pos: from,
        button: egui::PointerButton::Primary,
        pressed: true,
        modifiers,
    });
    harness.run();
    // Until it is no click any more.
    let from = from - vec2(0.0, 10.0);
    harness.event_modifiers(Event::PointerMoved(from), modifiers);
    harness.run();
    for n in 1..=10 {
        let at = from - vec2(0.0, up * n as f32 / 10.0);
        harness.event_modifiers(Event::PointerMoved(at), modifiers);
        harness.step();
    }
    harness.drop_at(from - vec2(0.0, up));
    harness.run();
}

#[test]
fn a_drag_turns_by_detents_and_stops_at_the_ends() {
    let mut harness = knob(&DEPTH, 8.0);
    harness.run();
    // 220 points are the whole range: 15 layers.
    drag(&mut harness, 44.0, Modifiers::NONE);
    assert_eq!(harness.state().0, 11.0);
    drag(&mut harness, -29.4, Modifiers::NONE);
    assert_eq!(harness.state().0, 9.0);
    drag(&mut harness, 500.0, Modifiers::NONE);
    assert_eq!(harness.state().0, 16.0);
    drag(&mut harness, -500.0, Modifiers::NONE);
    assert_eq!(harness.state().0, 1.0);
}

#[test]
fn a_drag_with_shift_is_ten_times_finer() {
    let gain = DecibelScale { low: -22.0, high: 22.0 };
    let mut harness = knob(&gain, 0.0);
    harness.run();
    drag(&mut harness, 50.0, Modifiers::NONE);
    assert!((harness.state().0 - 10.0).abs() < 1e-9, "{}", harness.state().0);
    drag(&mut harness, 50.0, Modifiers::SHIFT);
    assert!((harness.state().0 - 11.0).abs() < 1e-9, "{}", harness.state().0);
}

#[test]
fn keys_turn_a_focused_knob_only() {
    let mut harness = knob(&DEPTH, 8.0);
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert_eq!(harness.state().0, 8.0);
    harness.get_by_label("Depth A").focus();
    harness.run();
    let steps = [
        (Key::ArrowUp, 9.0),
        (Key::ArrowRight, 10.0),
        (Key::ArrowDown, 9.0),
        (Key::ArrowLeft, 8.0),
        (Key::PageUp, 12.0),
        (Key::PageUp, 16.0),
        (Key::ArrowUp, 16.0),
        (Key::PageDown, 12.0),
        (Key::Home, 1.0),
        (Key::ArrowDown, 1.0),
        (Key::End, 16.0),
        (Key::Delete, 8.0),
    ];
    for (key, expected) in steps {
        harness.key_press(key);
        harness.run();
        assert_eq!(harness.state().0, expected, "{key:?}");
        assert!(harness.get_by_label("Depth A").is_focused(), "{key:?}");
    }
    // Keys at the ends change nothing, and say so.
    assert_eq!(harness.state().1, 10);
}

#[test]
fn shift_makes_keys_finer() {
    let mix = PercentScale { default: 1.0 };
    let mut harness = knob(&mix, 0.5);
    harness.run();
    harness.get_by_label("Depth A").focus();
    harness.run();
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    harness.run();
    assert!((harness.state().0 - 0.501).abs() < 1e-9, "{}", harness.state().0);
}

#[test]
fn the_wheel_turns_what_it_is_over() {
    let mut harness = knob(&DEPTH, 8.0);
    harness.run();
    let mut scroll = |unit, y: f32, at: Pos2| {
        harness.hover_at(at);
        harness.run();
        let delta = Vec2::new(0.0, y);
        let (phase, modifiers) = (TouchPhase::Move, Modifiers::NONE);
        let source = egui::MouseWheelSource::Unknown;
        harness.event(Event::MouseWheel { unit, source, delta, phase, modifiers });
        harness.run_steps(20);
        harness.state().0
    };
    let dial = Pos2::new(50.0, 50.0);
    assert_eq!(scroll(MouseWheelUnit::Line, 1.0, dial), 9.0);
    assert_eq!(scroll(MouseWheelUnit::Line, -3.0, dial), 6.0);
    assert_eq!(scroll(MouseWheelUnit::Point, 12.0, dial), 6.0);
    assert_eq!(scroll(MouseWheelUnit::Point, 12.0, dial), 7.0);
    assert_eq!(scroll(MouseWheelUnit::Line, 5.0, Pos2::new(190.0, 130.0)), 7.0);
}

#[test]
fn a_double_click_or_ctrl_click_resets() {
    let mut harness = knob(&DEPTH, 3.0);
    harness.run();
    harness.get_by_label("Depth A").click();
    harness.run();
    assert_eq!(harness.state().0, 3.0);
    // Too late for a second click of the same.
    harness.run_steps(50);
    harness.get_by_label("Depth A").click();
    harness.run_steps(2);
    harness.get_by_label("Depth A").click();
    harness.run();
    assert_eq!(harness.state().0, 8.0);
    let mut harness = knob(&DEPTH, 3.0);
    harness.run();
    harness.get_by_label("Depth A").click_modifiers(Modifiers::COMMAND);
    harness.run();
    assert_eq!(harness.state().0, 8.0);
}

/// Opens the entry with return, replaces what is there, and presses a key.
fn type_text(harness: &mut Harness<'_, (f64, usize)>, text: &str, then: Key) {
    harness.get_by_label("Depth A").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.event(Event::Text(text.into()));
    harness.run();
    harness.key_press(then);
    harness.run();
}

#[test]
fn values_can_be_typed_with_and_without_units() {
    let mut harness = knob(&DEPTH, 8.0);
    harness.run();
    for (text, expected) in [("2 kbps", 16.0), ("3", 3.0), ("12 layers", 12.0), ("0.5", 4.0)] {
        type_text(&mut harness, text, Key::Enter);
        assert_eq!(harness.state().0, expected, "{text}");
        assert!(harness.query_by_label("Depth A as text").is_none(), "{text}: the entry closes");
        assert!(harness.get_by_label("Depth A").is_focused());
    }
    type_text(&mut harness, "9", Key::Escape);
    assert_eq!(harness.state().0, 4.0);
    // What cannot be read stays open until it can, or is given up.
    type_text(&mut harness, "much", Key::Enter);
    assert_eq!(harness.state().0, 4.0);
    assert!(harness.query_by_label("Depth A as text").is_some());
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Depth A as text").is_none());
}

#[test]
fn a_digit_begins_an_entry_and_a_click_on_the_value_too() {
    let mut harness = knob(&DEPTH, 8.0);
    harness.run();
    harness.get_by_label("Depth A").focus();
    harness.run();
    harness.event(Event::Text("1".into()));
    harness.run();
    harness.event(Event::Text("4".into()));
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().0, 14.0);

    let below = harness.get_by_label("Depth A").rect().center_bottom() + vec2(0.0, 6.0);
    harness.drag_at(below);
    harness.run();
    harness.drop_at(below);
    harness.run();
    assert!(harness.query_by_label("Depth A as text").is_some());
}

#[test]
fn a_screen_reader_hears_and_sets_the_value() {
    let mut harness = knob(&DEPTH, 8.0);
    harness.run();
    let node = harness.get_by_role_and_label(Role::Slider, "Depth A");
    assert_eq!(node.value().as_deref(), Some("1 kbps, 8 layers"));
    node.increment_accesskit();
    harness.run();
    assert_eq!(harness.state().0, 9.0);
    harness.get_by_label("Depth A").set_value_accesskit(12.3);
    harness.run();
    assert_eq!(harness.state().0, 12.0);
    harness.get_by_label("Depth A").set_text_value_accesskit("0.25 kbps");
    harness.run();
    assert_eq!(harness.state().0, 2.0);
}

#[test]
fn a_value_from_elsewhere_is_brought_into_range_without_a_gesture() {
    let mut harness = knob(&DEPTH, f64::NAN);
    harness.run();
    assert_eq!(harness.state().0, 8.0);
    harness.state_mut().0 = 1e9;
    harness.run();
    assert_eq!(harness.state().0, 16.0);
}

fn strip() -> Harness<'static, ListeningSource> {
    Harness::builder().with_size(vec2(500.0, 60.0)).build_ui_state(
        |ui, source| {
            source_strip(ui, source, ["2 kbps", "0.5 kbps"]);
        },
        ListeningSource::A,
    )
}

#[test]
fn the_strip_is_chosen_from_by_mouse_and_arrows() {
    let mut harness = strip();
    harness.run();
    harness.get_by_label("Listen to Dry\u{2212}A").click();
    harness.run();
    assert_eq!(*harness.state(), ListeningSource::DryMinusA);
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(*harness.state(), ListeningSource::DryMinusB);
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(*harness.state(), ListeningSource::DryMinusB);
    for expected in [
        ListeningSource::DryMinusA,
        ListeningSource::AMinusB,
        ListeningSource::B,
        ListeningSource::A,
        ListeningSource::Dry,
    ] {
        harness.key_press(Key::ArrowLeft);
        harness.run();
        assert_eq!(*harness.state(), expected);
    }
    harness.key_press(Key::ArrowLeft);
    harness.run();
    assert_eq!(*harness.state(), ListeningSource::Dry);
}

#[test]
fn the_strip_is_one_stop_of_the_tab_key_and_says_what_is_chosen() {
    let mut harness = strip();
    harness.run();
    harness.key_press(Key::Tab);
    harness.run();
    let chosen = harness.get_by_role_and_label(Role::RadioButton, "Listen to A, 2 kbps");
    assert!(chosen.is_focused());
    assert_eq!(chosen.accesskit_node().toggled(), Some(Toggled::True));
    let other = harness.get_by_label("Listen to B, 0.5 kbps");
    assert_eq!(other.accesskit_node().toggled(), Some(Toggled::False));
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(*harness.state(), ListeningSource::B);
    assert!(harness.get_by_label("Listen to B, 0.5 kbps").is_focused());
}

#[test]
fn letters_choose_sources_and_x_goes_back_and_forth() {
    assert_eq!(shortcut(Key::D, ListeningSource::B), Some(ListeningSource::Dry));
    assert_eq!(shortcut(Key::A, ListeningSource::Dry), Some(ListeningSource::A));
    assert_eq!(shortcut(Key::B, ListeningSource::Dry), Some(ListeningSource::B));
    assert_eq!(shortcut(Key::X, ListeningSource::A), Some(ListeningSource::B));
    for source in [ListeningSource::B, ListeningSource::Dry, ListeningSource::DryMinusB] {
        assert_eq!(shortcut(Key::X, source), Some(ListeningSource::A));
    }
    assert_eq!(shortcut(Key::C, ListeningSource::A), None);
}

/// What the map under test said last.
#[derive(Default)]
struct Seen {
    reading: Option<TokenReading>,
    actions: Vec<TokenAction>,
}

fn token_map() -> Harness<'static, Seen> {
    let frames = codes(300);
    let mut map = TokenMap::new();
    let options =
        TokenMapOptions { rate: RATE, playing: None, depths: [16, 4], muted: 4, stream: 0 };
    Harness::builder().with_size(vec2(400.0, 220.0)).build_ui_state(
        move |ui, seen: &mut Seen| {
            let output = map.show(ui, &frames, &options);
            seen.reading = output.reading;
            seen.actions.extend(output.action);
        },
        Seen::default(),
    )
}

/// Where the map's cells are within the view: its margins are 28, 16, 36 and 14 points.
fn cell(harness: &Harness<'_, Seen>, back: usize, layer: usize) -> Pos2 {
    let view = harness.get_by_role(Role::ListBox).rect();
    let (width, height) = (view.width() - 64.0, view.height() - 30.0);
    let x = view.right() - 36.0 - width * (back as f32 + 0.5) / 128.0;
    Pos2::new(x, view.top() + 16.0 + height * (layer as f32 + 0.5) / 16.0)
}

#[test]
fn the_map_says_what_lies_under_the_mouse() {
    let frames = codes(300);
    let mut harness = token_map();
    harness.run();
    for (back, layer) in [(0, 0), (0, 15), (50, 3), (127, 8)] {
        let at = cell(&harness, back, layer);
        harness.hover_at(at);
        harness.run();
        let code = frames.code(299 - back as u64, 0, layer).unwrap();
        let seconds = -(back as f64) * 0.08;
        let reading = harness.state().reading.unwrap();
        assert_eq!((reading.layer, reading.code), (layer, code), "{back} {layer}");
        assert!((reading.seconds - seconds).abs() < 1e-9, "{}", reading.seconds);
    }
    harness.hover_at(Pos2::new(3.0, 3.0));
    harness.run();
    assert_eq!(harness.state().reading, None);
}

#[test]
fn the_map_mutes_and_solos_by_mouse_and_keys() {
    let mut harness = token_map();
    harness.run();
    let at = cell(&harness, 10, 5);
    harness.drag_at(at);
    harness.run();
    harness.drop_at(at);
    harness.run();
    assert_eq!(harness.state().actions, [TokenAction::ToggleMute(5)]);
    harness.get_by_role(Role::ListBox).focus();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::S);
    harness.run();
    (0..4).for_each(|_| harness.key_press(Key::ArrowUp));
    harness.run();
    assert!(harness.query_by_label("Token map, 16 layers, layer 3, muted").is_some());
    harness.key_press(Key::Space);
    harness.run();
    assert_eq!(
        harness.state().actions[1..],
        [TokenAction::ToggleSolo(6), TokenAction::ToggleMute(2)]
    );
}

#[test]
fn the_spectrogram_reads_time_frequency_and_levels() {
    let mut spectrogram = LiveSpectrogram::new(RATE, 8.0).unwrap();
    spectrogram.push(&voices(4.0));
    let view = egui::Rect::from_min_size(Pos2::new(8.0, 8.0), vec2(300.0, 200.0));
    let mut harness = Harness::builder().with_size(vec2(316.0, 216.0)).build_ui_state(
        move |ui, reading| {
            let builder = egui::UiBuilder::new().max_rect(view);
            ui.scope_builder(builder, |ui| {
                let lanes = [true, false, true, false];
                let options = SpectrogramOptions { lanes, ..SpectrogramOptions::default() };
                *reading = spectrogram.show(ui, &options).1;
            });
        },
        None,
    );
    // Two pictures of 85 points, 236 wide.
    let picture = |lane: usize, back: f32, down: f32| {
        Pos2::new(view.right() - 36.0 - 236.0 * back, view.top() + 16.0 + 85.0 * lane as f32 + down)
    };
    harness.hover_at(picture(1, 0.25, 40.5));
    harness.run();
    let reading = harness.state().unwrap();
    assert_eq!(reading.lane, residue_ui::Lane::B);
    assert!((reading.seconds + 2.0).abs() < 1e-3, "{}", reading.seconds);
    // The middle of the axis: the geometric mean of its ends.
    assert!((reading.hertz - 894.4).abs() < 1.0, "{}", reading.hertz);
    assert!(reading.levels[0].is_some() && reading.levels[2].is_some());
    assert!(reading.levels[1].is_none() && reading.levels[3].is_none());
    // Before the first sample.
    harness.hover_at(picture(0, 0.9, 40.0));
    harness.run();
    assert_eq!(harness.state().unwrap().levels, [None; 4]);
    harness.hover_at(Pos2::new(10.0, 10.0));
    harness.run();
    assert!(harness.state().is_none());
}

#[test]
fn a_click_or_space_puts_the_clip_lamps_out() {
    let mut meters = LevelMeters::default();
    meters.update(&[[0.5, 0.5], [1.5, 0.5]], 0.1);
    let mut harness = Harness::builder().with_size(vec2(120.0, 220.0)).build_ui_state(
        |ui, meters: &mut LevelMeters| {
            meters.show(ui, 2, 200.0);
        },
        meters,
    );
    harness.run();
    let label = "Peaks: input \u{2212}6.0 dBFS, output +3.5 dBFS clipped";
    assert!(harness.query_by_label(label).is_some());
    harness.get_by_role(Role::Meter).click();
    harness.run();
    let clipped = |meters: &LevelMeters| meters.sides.as_flattened().iter().any(|m| m.clipped());
    assert!(!clipped(harness.state()));
    harness.state_mut().update(&[[0.5, 0.5], [1.5, 0.5]], 0.1);
    assert!(clipped(harness.state()));
    harness.get_by_role(Role::Meter).focus();
    harness.run();
    harness.key_press(Key::Space);
    harness.run();
    assert!(!clipped(harness.state()));
}

/// A waveform of ten seconds that plays at 4 s, with what was asked of it.
fn transport(region: Option<(f64, f64)>) -> Harness<'static, Vec<WaveformAction>> {
    let timeline = Timeline { position: 4.0, length: 10.0, region };
    Harness::builder().with_size(vec2(416.0, 76.0)).with_step_dt(0.02).build_ui_state(
        move |ui, actions: &mut Vec<WaveformAction>| {
            actions.extend(waveform(ui, &[[-0.5, 0.5]; 100], &timeline).1);
        },
        Vec::new(),
    )
}

/// The place of a second on the waveform.
fn second<S>(harness: &Harness<'_, S>, seconds: f32) -> Pos2 {
    let rect = harness.get_by_label("Position").rect();
    Pos2::new(rect.left() + rect.width() * seconds / 10.0, rect.top() + 20.0)
}

fn press(harness: &mut Harness<'_, Vec<WaveformAction>>, from: f32, to: f32) {
    let (from, to) = (second(harness, from), second(harness, to));
    harness.drag_at(from);
    harness.run();
    harness.hover_at(from + (to - from) / 2.0);
    harness.run();
    harness.hover_at(to);
    harness.run();
    harness.drop_at(to);
    harness.run();
}

#[test]
fn a_click_on_the_waveform_seeks_and_a_drag_loops() {
    let mut harness = transport(None);
    harness.run();
    press(&mut harness, 2.0, 2.0);
    let [WaveformAction::Seek(seconds)] = harness.state()[..] else { panic!("no seek") };
    assert!((seconds - 2.0).abs() < 0.1, "{seconds}");
    harness.state_mut().clear();
    press(&mut harness, 7.0, 3.0);
    let [WaveformAction::Loop(Some((start, end)))] = harness.state()[..] else { panic!("no loop") };
    assert!((start - 3.0).abs() < 0.1 && (end - 7.0).abs() < 0.1, "{start} to {end}");
}

#[test]
fn an_end_of_the_loop_can_be_moved() {
    let mut harness = transport(Some((2.0, 6.0)));
    harness.run();
    press(&mut harness, 6.0, 8.0);
    let [WaveformAction::Loop(Some((start, end)))] = harness.state()[..] else { panic!("no loop") };
    assert!(start == 2.0 && (end - 8.0).abs() < 0.1, "{start} to {end}");
}

#[test]
fn keys_and_screen_readers_seek_and_loop() {
    let mut harness = transport(Some((2.0, 6.0)));
    harness.run();
    let node = harness.get_by_label("Position");
    assert_eq!(node.accesskit_node().role(), Role::Slider);
    assert_eq!(node.value().unwrap(), "0:04.0 of 0:10.0, repeats 0:02.0 to 0:06.0");
    node.increment_accesskit();
    harness.run();
    harness.get_by_label("Position").focus();
    harness.run();
    let keys = [Key::ArrowLeft, Key::Home, Key::OpenBracket, Key::CloseBracket, Key::Delete];
    for key in keys {
        harness.key_press(key);
        harness.run();
    }
    let expected = [
        WaveformAction::Seek(5.0),
        WaveformAction::Seek(3.0),
        WaveformAction::Seek(0.0),
        WaveformAction::Loop(Some((4.0, 6.0))),
        WaveformAction::Loop(Some((2.0, 4.0))),
        WaveformAction::Loop(None),
    ];
    assert_eq!(harness.state()[..], expected);
}
