//! No test tells an answer before it is over: whatever X is, everything that can be seen, read out or
//! found on disk is the same.

use std::fs;

use egui::{Key, vec2};
use egui_kittest::kittest::NodeT;
use residue_app::blind::Contender;
use residue_app::window::blind_page::{BlindPage, BlindTestKind};
use residue_engine::blind::{AbxSide, AbxTest, RandomSource, RatingTest, SeededRandom, Staircase};
use residue_ui::Theme;
use residue_ui_testing::{HeadlessStage, Picture};

use crate::listener::{Headphones, depth, pause};
use crate::page::{harness, offer, page};

/// Returns the sides that X plays in the first trials under a seed.
fn sides(seed: u64) -> Vec<AbxSide> {
    let mut test = AbxTest::new(6, Box::new(SeededRandom(seed))).unwrap();
    let sides = (0..6).map(|_| {
        let x = test.x();
        test.answer(AbxSide::A).unwrap();
        x
    });
    sides.collect()
}

/// Two seeds under which every X differs from the other.
fn opposite() -> [u64; 2] {
    let other = |sides: &[AbxSide]| -> Vec<AbxSide> {
        sides.iter().map(|x| if *x == AbxSide::A { AbxSide::B } else { AbxSide::A }).collect()
    };
    let wanted = other(&sides(1));
    let second = (2..100_000).map(|n| n * 1_000_003_u64.pow(2)).find(|seed| sides(*seed) == wanted);
    [1, second.expect("one of 64 or so")]
}

/// The page, key by key: pictures of it, and which version was played.
fn watch(seed: u64, test: BlindTestKind, keys: &[Key]) -> (Vec<Picture>, Vec<usize>) {
    let mut ears = Headphones::default();
    let folder = tempfile::tempdir().unwrap();
    let mut page = page(seed);
    page.folder = folder.path().display().to_string();
    page.setup.test = test;
    page.setup.trials = 6;
    page.setup.pair = [Contender::Original, depth(2)];
    page.setup.depths = vec![1, 4, 8];
    let offer = offer();
    let mut stage = HeadlessStage::new(vec2(720.0, 640.0), 1.0, &Theme::DARK);
    let mut pictures = Vec::new();
    let mut played = Vec::new();
    stage.frame(|ui| page.show(ui, &offer, &mut ears));
    stage.press(Key::Enter);
    while !page.is_testing() || ears.0.borrow().stimuli.is_none() {
        stage.frame(|ui| page.show(ui, &offer, &mut ears));
        pause();
    }
    for key in keys {
        let auditions = ears.0.borrow().auditions;
        stage.press(*key);
        pictures.push(stage.picture(|ui| page.show(ui, &offer, &mut ears)));
        // Only what comes after an answer has to be waited for.
        let answered = matches!(key, Key::Num1 | Key::Num2) && test != BlindTestKind::Rating;
        while answered && ears.0.borrow().auditions == auditions {
            stage.frame(|ui| page.show(ui, &offer, &mut ears));
            pause();
        }
        pictures.push(stage.picture(|ui| page.show(ui, &offer, &mut ears)));
        played.push(ears.0.borrow().index);
        assert!(page.report().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
    }
    page.close(&mut ears);
    assert!(page.report().is_none() && !page.is_testing());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is kept");
    (pictures, played)
}

/// Panics if two series of pictures differ by more than rounding: where a letter lies in the texture of
/// all letters depends on which were drawn before, while versions were made.
fn assert_same(first: &[Picture], second: &[Picture], what: &str) {
    assert_eq!(first.len(), second.len());
    for (n, (one, other)) in first.iter().zip(second).enumerate() {
        let differ = one.rgb.iter().zip(&other.rgb).map(|(a, b)| a.abs_diff(*b));
        let (count, most) =
            (differ.clone().filter(|by| *by > 0).count(), differ.max().unwrap_or(0));
        if most <= 1 {
            continue;
        }
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        one.write(&folder.join("secret-one.png"));
        other.write(&folder.join("secret-other.png"));
        panic!(
            "the page tells {what}: picture {n}, {count} values by at most {most}; see {}",
            folder.join("secret-one.png").display()
        );
    }
}

#[test]
fn an_abx_test_looks_the_same_whatever_x_is() {
    let [one, other] = opposite();
    use Key::{A, B, Num1, Num2, X};
    let keys = [A, B, X, Num1, X, A, Num2, B, X, X, Num1, X, Num2, X, B];
    let (first, played) = watch(one, BlindTestKind::Abx, &keys);
    let (second, played_otherwise) = watch(other, BlindTestKind::Abx, &keys);
    assert_ne!(played, played_otherwise, "X was another one");
    assert_same(&first, &second, "what X is");
}

/// Here depths follow the answers, and whether they were right shows only in what is played. Two
/// seeds under which the first X differ.
#[test]
fn a_threshold_finder_looks_the_same_whatever_x_is() {
    let x = |seed| Staircase::new(32, Box::new(SeededRandom(seed))).unwrap().x();
    let other = (2..).map(|n| n * 1_000_003_u64.pow(2)).find(|seed| x(*seed) != x(1)).unwrap();
    let keys = [Key::A, Key::B, Key::X, Key::Num1, Key::X, Key::Num1, Key::X];
    let mut seen = Vec::new();
    for seed in [1, other] {
        let (pictures, _) = watch(seed, BlindTestKind::Threshold, &keys);
        // While the next ones are made, the bar is where it is.
        let settled: Vec<Picture> = pictures.into_iter().skip(1).step_by(2).collect();
        seen.push(settled);
    }
    assert_same(&seen[0], &seen[1], "what X is");
}

#[test]
fn a_rating_page_looks_the_same_whatever_is_where() {
    let order = |seed| {
        let names = (0..5).map(|n| n.to_string()).collect();
        let test = RatingTest::new(names, 0, &mut SeededRandom(seed)).unwrap();
        (0..5).map(|place| test.stimulus(place)).collect::<Vec<_>>()
    };
    let other =
        (2..).map(|n| n * 1_000_003_u64.pow(2)).find(|seed| order(*seed) != order(1)).unwrap();
    use Key::{ArrowUp, End, Home, Num1, Num2, Num3, Num4, Num5, R};
    let keys = [Num1, ArrowUp, Num2, End, R, Num3, Home, Num4, ArrowUp, Num5, Num1];
    let (first, played) = watch(1, BlindTestKind::Rating, &keys);
    let (second, played_otherwise) = watch(other, BlindTestKind::Rating, &keys);
    assert_ne!(played, played_otherwise, "the order was another one");
    assert_same(&first, &second, "what is where");
}

/// The same for what a screen reader is told.
#[test]
fn a_screen_reader_is_told_the_same_whatever_x_is() {
    let [one, other] = opposite();
    let told = [one, other].map(|seed| {
        let mut harness = harness(page(seed));
        harness.state_mut().page.setup.pair = [Contender::Original, depth(2)];
        harness.state_mut().page.setup.trials = 6;
        let mut told = Vec::new();
        harness.key_press(Key::Enter);
        while !harness.state().page.is_testing() {
            harness.step();
            pause();
        }
        for key in [Key::X, Key::A, Key::X, Key::Num2, Key::X, Key::Num1, Key::B, Key::X] {
            harness.key_press(key);
            harness.run_steps(3);
            let nodes = harness.root().children_recursive();
            told.extend(nodes.map(|node| {
                let node = node.accesskit_node();
                format!(
                    "{:?} {:?} {:?} {:?}",
                    node.role(),
                    node.label(),
                    node.value(),
                    node.toggled()
                )
            }));
        }
        told
    });
    assert!(told[0].iter().any(|text| text.contains("Listen to X")), "{told:?}");
    assert!(told[0] == told[1], "a screen reader tells what X is");
}

/// The random numbers of the page itself are the system's.
#[test]
fn the_page_draws_from_the_system() {
    let mut system = residue_engine::blind::SystemRandom;
    let draws: Vec<usize> = (0..64).map(|_| system.below(2).unwrap()).collect();
    let again: Vec<usize> = (0..64).map(|_| system.below(2).unwrap()).collect();
    assert_ne!(draws, again);
    let _: BlindPage = BlindPage::new(Default::default(), std::sync::Arc::new(|| ()));
}
