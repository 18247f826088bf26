//! The set-up of a test: versions, passage, number of trials.

use egui::accesskit::Role;
use egui::{Button, DragValue, Key, RichText, Ui, WidgetInfo};
use residue_ui::Theme;

use super::contender_editor::{contender, model, option};
use super::setup::MOST_DEPTHS;
use super::{BlindTestKind, BlindTestSetup, PageRequest, TestableSound, keys};
use crate::blind::{AuditionPlayer, LONGEST_SECONDS, SHORTEST_SECONDS};

pub(super) fn show(
    ui: &mut Ui,
    setup: &mut BlindTestSetup,
    offer: &TestableSound,
    player: &mut dyn AuditionPlayer,
) -> Option<PageRequest> {
    setup.fit(offer);
    ui.heading("Blind listening");
    ui.horizontal(|ui| {
        for test in BlindTestKind::ALL {
            if option(ui, setup.test == test, test.name(), &format!("Test: {}", test.name())) {
                setup.test = test;
            }
        }
    });
    weak(ui, setup.test.question());
    section(ui, "Compare");
    match setup.test {
        BlindTestKind::Abx => abx(ui, setup, offer),
        BlindTestKind::Threshold => {
            weak(ui, "The original with depths that follow the answers, from the first layer on.");
            model(ui, "Threshold", &mut setup.model, &mut setup.precision, offer);
        }
        BlindTestKind::Rating => rating(ui, setup, offer),
    }
    section(ui, "Listen to");
    passage(ui, setup, offer);
    ui.horizontal(|ui| {
        let check = ui.checkbox(&mut setup.match_levels, "Match loudness");
        check.on_hover_text("Louder is heard as better, and as different");
    });
    ui.add_space(10.0);
    start(ui, setup, offer, player)
}

fn abx(ui: &mut Ui, setup: &mut BlindTestSetup, offer: &TestableSound) {
    let [a, b] = &mut setup.pair;
    contender(ui, "A", a, offer);
    contender(ui, "B", b, offer);
    if a == b {
        weak(ui, "A and B are the same: a test of the test. Only guessing is possible.");
    }
    section(ui, "Trials");
    ui.horizontal(|ui| {
        let trials = ui.add(DragValue::new(&mut setup.trials).range(5..=200));
        let count = setup.trials as f64;
        trials.widget_info(|| WidgetInfo::slider(true, count, "Trials"));
        let needed = match setup.needed() {
            Some(needed) => format!("{needed} right or more count as heard (p below 0.05)"),
            None => "too few to show anything".into(),
        };
        ui.label(RichText::new(needed).color(Theme::of(ui).weak));
    });
}

fn rating(ui: &mut Ui, setup: &mut BlindTestSetup, offer: &TestableSound) {
    weak(
        ui,
        "Several depths beside each other, with the original and an anchor hidden among them.",
    );
    model(ui, "Rating", &mut setup.model, &mut setup.precision, offer);
    ui.horizontal_wrapped(|ui| {
        ui.label("Depths");
        for depth in 1..=offer.layers(&setup.model).unwrap_or(0) {
            let at = setup.depths.binary_search(&depth);
            let full = setup.depths.len() >= MOST_DEPTHS;
            let button = Button::selectable(at.is_ok(), depth.to_string());
            let response = ui.add_enabled(at.is_ok() || !full, button);
            response.widget_info(|| {
                let name = format!("Rate depth {depth}");
                WidgetInfo::selected(Role::CheckBox, true, at.is_ok(), name)
            });
            if response.clicked() {
                match at {
                    Ok(at) => drop(setup.depths.remove(at)),
                    Err(at) => setup.depths.insert(at, depth),
                }
            }
        }
    });
}

fn passage(ui: &mut Ui, setup: &mut BlindTestSetup, offer: &TestableSound) {
    let Some(file) = &offer.file else {
        weak(ui, "No file is open.");
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(&file.name);
        let looped = !setup.whole && offer.loop_region.is_some();
        if let Some((from, to)) = offer.loop_region {
            let text = format!("Loop, {from:.1} to {to:.1} s");
            if option(ui, looped, &text, "Listen to the loop") {
                setup.whole = false;
            }
        }
        let text = format!("Whole, {:.1} s", file.seconds());
        if option(ui, !looped, &text, "Listen to the whole file") {
            setup.whole = true;
        }
    });
    if setup.whole || offer.loop_region.is_none() {
        weak(ui, "A loop of a few seconds makes differences easier to hear.");
    }
}

fn start(
    ui: &mut Ui,
    setup: &BlindTestSetup,
    offer: &TestableSound,
    player: &mut dyn AuditionPlayer,
) -> Option<PageRequest> {
    let problem = match setup.material(offer).map(|material| material.seconds()) {
        None => Some("Open an audio file first.".to_owned()),
        Some(seconds) if seconds < SHORTEST_SECONDS => {
            Some(format!("Choose {SHORTEST_SECONDS} seconds or more."))
        }
        Some(seconds) if seconds > LONGEST_SECONDS => {
            Some(format!("Choose {LONGEST_SECONDS:.0} seconds or less: set a loop."))
        }
        Some(_) if setup.test == BlindTestKind::Rating && setup.depths.is_empty() => {
            Some("Choose a depth to rate.".to_owned())
        }
        Some(_) => None,
    };
    let mut request = None;
    ui.horizontal(|ui| {
        if problem.is_none() && player.rate().is_none() {
            if ui.button("Start sound  Enter").clicked() || keys::free(ui, Key::Enter) {
                player.start();
            }
            weak(ui, "No sound is running.");
            return;
        }
        let ready = problem.is_none();
        let button = ui.add_enabled(ready, Button::new("Start the test  Enter"));
        button.widget_info(|| WidgetInfo::labeled(Role::Button, ready, "Start the test"));
        if button.clicked() || (ready && keys::free(ui, Key::Enter)) {
            request = Some(PageRequest::Start);
        }
        if let Some(problem) = problem {
            weak(ui, &problem);
        }
    });
    request
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(8.0);
    ui.label(RichText::new(title).strong());
}

fn weak(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).color(Theme::of(ui).weak));
}
