//! The page looks as it did, drawn without a GPU.

use std::path::Path;

use egui::{Key, vec2};
use residue_app::blind::Contender;
use residue_app::window::blind_page::{BlindPage, BlindTestKind};
use residue_ui::Theme;
use residue_ui_testing::{Picture, Stage, compare};

use crate::listener::{Headphones, pause};
use crate::page::{offer, page};

struct PageHarness {
    page: BlindPage,
    ears: Headphones,
    stage: Stage,
}

impl PageHarness {
    fn new(test: BlindTestKind, theme: &Theme) -> Self {
        let mut page = page(21);
        page.setup.test = test;
        page.setup.trials = 12;
        page.folder = "/home/listener/music/blind".into();
        let stage = Stage::new(vec2(720.0, 560.0), 1.0, theme);
        Self { page, ears: Headphones::default(), stage }
    }

    fn picture(&mut self) -> Picture {
        let offer = offer();
        self.stage.picture(|ui| self.page.show(ui, &offer, &mut self.ears))
    }

    fn press(&mut self, keys: &[Key]) {
        let offer = offer();
        for key in keys {
            self.stage.press(*key);
            self.stage.frame(|ui| self.page.show(ui, &offer, &mut self.ears));
        }
    }

    fn start(&mut self) {
        self.picture();
        self.press(&[Key::Enter]);
        self.wait();
    }

    /// Until a trial plays, or the test is over.
    fn wait(&mut self) {
        let playing = |page: &Self| page.page.is_testing() && page.ears.0.borrow().playing;
        while !playing(self) && self.page.report().is_none() {
            self.press(&[Key::F1]);
            pause();
        }
    }

    /// Answers until the end, right where `right` says so.
    fn answer_all(&mut self, right: impl Fn(usize) -> bool) {
        let mut n = 0;
        while self.page.report().is_none() {
            self.press(&[Key::X]);
            let is_a = self.ears.0.borrow().index == 0;
            self.ears.0.borrow_mut().playing = false;
            self.press(&[if is_a == right(n) { Key::Num1 } else { Key::Num2 }]);
            self.wait();
            n += 1;
        }
    }
}

#[test]
fn the_page_looks_as_it_did_dark_and_light() {
    let mut problems = Vec::new();
    for (look, theme) in [("dark", Theme::DARK), ("light", Theme::LIGHT)] {
        let mut check = |name: &str, picture: &Picture| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/blind/pictures");
            let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
            problems.extend(
                compare::compare(picture, &folder, &format!("{name}-{look}"), temporary).err(),
            );
        };
        let mut abx = PageHarness::new(BlindTestKind::Abx, &theme);
        check("setup", &abx.picture());
        // Without a codec: the picture must not depend on the last bit of its arithmetic.
        abx.page.setup.pair = [Contender::Original, Contender::Anchor];
        abx.start();
        abx.press(&[Key::X, Key::Num1, Key::X, Key::Num2]);
        check("trial", &abx.picture());
        abx.press(&[Key::X, Key::ArrowRight]);
        check("answer", &abx.picture());
        abx.answer_all(|n| n != 4);
        check("result", &abx.picture());

        let mut threshold = PageHarness::new(BlindTestKind::Threshold, &theme);
        check("threshold-setup", &threshold.picture());
        threshold.start();
        check("threshold-trial", &threshold.picture());
        threshold.answer_all(|n| n < 9 || n % 3 != 0);
        check("threshold-result", &threshold.picture());

        let mut rating = PageHarness::new(BlindTestKind::Rating, &theme);
        check("rating-setup", &rating.picture());
        rating.page.setup.depths = vec![1, 4, 16];
        rating.start();
        rating.press(&[Key::Num1, Key::End, Key::Num2, Key::ArrowUp, Key::Num3, Key::PageDown]);
        check("rating", &rating.picture());
        rating.press(&[Key::Num4, Key::Home, Key::Num5, Key::PageUp, Key::Enter]);
        check("rating-result", &rating.picture());
    }
    compare::report(&problems);
}
