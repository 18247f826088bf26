//! Pages, looks, names.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use residue_app::window::{Page, ThemeChoice};

use super::harness::WindowHarness;

#[test]
fn pages_are_turned_by_mouse_and_keys() {
    let mut harness = WindowHarness::new();
    for (key, page) in
        [(Key::Num2, Page::Blind), (Key::Num3, Page::Models), (Key::Num4, Page::Help)]
    {
        harness.egui.key_press_modifiers(Modifiers::COMMAND, key);
        harness.steps();
        assert_eq!(harness.egui.state().preferences().page, page);
    }
    assert!(harness.reads("The encoder describes each frame"));
    harness.click("Listen");
    assert_eq!(harness.egui.state().preferences().page, Page::Listen);
    harness.press(Key::F1);
    assert_eq!(harness.egui.state().preferences().page, Page::Help);
}

#[test]
fn look_and_size_are_changed_and_remembered() {
    let mut harness = WindowHarness::new();
    harness.click("Settings");
    harness.click("Light");
    assert!(!harness.egui.ctx.global_style().visuals.dark_mode);
    harness.click("Dark");
    assert!(harness.egui.ctx.global_style().visuals.dark_mode);
    harness.click("Larger");
    harness.steps();
    assert!((harness.egui.ctx.zoom_factor() - 1.1).abs() < 1e-6);
    let kept = harness.egui.state().preferences();
    assert_eq!(kept.look, ThemeChoice::Dark);
    assert!((kept.scale - 1.1).abs() < 1e-6);
}

#[test]
fn every_control_has_a_name() {
    let mut harness = WindowHarness::new();
    for page in [Key::Num1, Key::Num3, Key::Num4] {
        harness.egui.key_press_modifiers(Modifiers::COMMAND, page);
        harness.steps();
        let mut controls = 0;
        let mut stack = vec![harness.egui.root()];
        while let Some(node) = stack.pop() {
            stack.extend(node.children());
            let accessible = node.accesskit_node();
            let role = accessible.role();
            let control = [
                Role::Button,
                Role::CheckBox,
                Role::ComboBox,
                Role::RadioButton,
                Role::Slider,
                Role::SpinButton,
                Role::TextInput,
            ];
            if control.contains(&role) {
                controls += 1;
                let name = accessible.label().unwrap_or_default();
                let first = name.chars().next();
                assert!(
                    first.is_some_and(|first| first.is_ascii()),
                    "{role:?} at {:?} is called {name:?}",
                    node.rect()
                );
            }
        }
        assert!(controls > 5, "{controls} controls");
    }
}

#[test]
fn what_is_folded_away_is_not_worked_for() {
    let mut harness = WindowHarness::new();
    let nothing =
        |harness: &WindowHarness| harness.egui.query_by_label_contains("Spectrograms of").is_none();
    assert!(!nothing(&harness));
    for name in ["Spectrogram of Dry", "Spectrogram of A", "Spectrogram of B"] {
        harness.click(name);
    }
    let last = "Spectrogram of Dry\u{2212}A";
    harness.click(last);
    assert!(nothing(&harness));
}
