//! Pages, looks, names.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use residue_app::window::{Look, Page};

use super::desk::Desk;

#[test]
fn pages_are_turned_by_mouse_and_keys() {
    let mut desk = Desk::new();
    for (key, page) in
        [(Key::Num2, Page::Blind), (Key::Num3, Page::Models), (Key::Num4, Page::Help)]
    {
        desk.harness.key_press_modifiers(Modifiers::COMMAND, key);
        desk.steps();
        assert_eq!(desk.harness.state().preferences().page, page);
    }
    assert!(desk.reads("The encoder describes each frame"));
    desk.click("Listen");
    assert_eq!(desk.harness.state().preferences().page, Page::Listen);
    desk.press(Key::F1);
    assert_eq!(desk.harness.state().preferences().page, Page::Help);
}

#[test]
fn look_and_size_are_changed_and_remembered() {
    let mut desk = Desk::new();
    desk.click("Settings");
    desk.click("Light");
    assert!(!desk.harness.ctx.global_style().visuals.dark_mode);
    desk.click("Dark");
    assert!(desk.harness.ctx.global_style().visuals.dark_mode);
    desk.click("Larger");
    desk.steps();
    assert!((desk.harness.ctx.zoom_factor() - 1.1).abs() < 1e-6);
    let kept = desk.harness.state().preferences();
    assert_eq!(kept.look, Look::Dark);
    assert!((kept.scale - 1.1).abs() < 1e-6);
}

#[test]
fn every_control_has_a_name() {
    let mut desk = Desk::new();
    for page in [Key::Num1, Key::Num3, Key::Num4] {
        desk.harness.key_press_modifiers(Modifiers::COMMAND, page);
        desk.steps();
        let mut controls = 0;
        let mut stack = vec![desk.harness.root()];
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
    let mut desk = Desk::new();
    let nothing = |desk: &Desk| desk.harness.query_by_label_contains("Spectrograms of").is_none();
    assert!(!nothing(&desk));
    for name in ["Spectrogram of Dry", "Spectrogram of A", "Spectrogram of B"] {
        desk.click(name);
    }
    let last = "Spectrogram of Dry\u{2212}A";
    desk.click(last);
    assert!(nothing(&desk));
}
