//! The tests themselves, with listeners who hear what is in the headphones.

use residue_app::blind::{Contender, Label, Ratings, Stand, Trials};
use residue_engine::blind::{
    AbxSide, RandomSource, SeededRandom, SystemRandom, TestResult, Threshold,
};

use crate::listener::{Headphones, depth, distance_db, ladder, pause, rendered};

/// Listens to all three and answers: with certainty where A and B differ by more than `limit_db`,
/// else by guessing.
fn one_trial(
    test: &mut Trials,
    ears: &mut Headphones,
    limit_db: f64,
    guess: &mut dyn RandomSource,
) {
    while test.playing().is_none() {
        test.tick(ears).unwrap();
        pause();
    }
    let mut listen = |label| {
        test.listen(label, ears);
        ears.heard()
    };
    let (a, b, x) = (listen(Label::A), listen(Label::B), listen(Label::X));
    let answer = if distance_db(&a, &b) > limit_db {
        if x == a { AbxSide::A } else { AbxSide::B }
    } else if guess.below(2).unwrap() == 0 {
        AbxSide::A
    } else {
        AbxSide::B
    };
    assert!(test.may_answer());
    test.answer(answer, ears).unwrap();
}

#[test]
fn who_hears_a_difference_gets_one_in_two_to_the_n() {
    let mut ears = Headphones::default();
    let made = rendered(&[Contender::Original, depth(4)]);
    let mut test = Trials::abx(made, 10, Box::new(SystemRandom)).unwrap();
    for n in 0..10 {
        assert!(test.report().is_none());
        assert_eq!((test.count().answered, test.count().of), (n, 10));
        one_trial(&mut test, &mut ears, -100.0, &mut SystemRandom);
    }
    let report = test.report().unwrap();
    let TestResult::Abx(result) = &report.findings else { panic!("{:?}", report.findings) };
    assert_eq!((result.right, result.trials), (10, 10));
    assert!((result.p * 1024.0 - 1.0).abs() < 1e-12, "{}", result.p);
    assert!(report.result.starts_with("10 of 10 right: a difference was heard."));
    assert_eq!(ears.0.borrow().auditions, 10, "each trial starts anew");
    assert!(ears.0.borrow().stimuli.is_none(), "what played before goes on");
}

#[test]
fn who_compares_the_same_guesses() {
    let made = rendered(&[Contender::Original, Contender::Original]);
    let mut significant = 0;
    let mut right = 0;
    for seed in 0..60 {
        let mut ears = Headphones::default();
        let mut guess = SeededRandom(seed + 500);
        let mut test = Trials::abx(made.clone(), 16, Box::new(SeededRandom(seed * 7919))).unwrap();
        (0..16).for_each(|_| one_trial(&mut test, &mut ears, -100.0, &mut guess));
        let TestResult::Abx(result) = &test.report().unwrap().findings else { panic!("ABX") };
        significant += usize::from(result.p < 0.05);
        right += result.right;
    }
    // 480 of 960 with a standard deviation of 15.5; 3.8% of tests reach 12 of 16 by chance.
    assert!((418..542).contains(&right), "{right} of 960");
    assert!(significant <= 7, "{significant} of 60");
}

#[test]
fn an_answer_needs_x_and_is_final() {
    let mut ears = Headphones::default();
    let mut test =
        Trials::abx(rendered(&[Contender::Original, depth(1)]), 2, Box::new(SystemRandom)).unwrap();
    test.answer(AbxSide::A, &mut ears).unwrap();
    test.tick(&mut ears).unwrap();
    test.listen(Label::B, &mut ears);
    test.answer(AbxSide::A, &mut ears).unwrap();
    assert_eq!(test.count().answered, 0, "X was not listened to");
    test.listen(Label::X, &mut ears);
    test.answer(AbxSide::A, &mut ears).unwrap();
    assert_eq!((test.count().answered, test.playing()), (1, Some(Label::A)));
    test.answer(AbxSide::B, &mut ears).unwrap();
    assert_eq!(test.count().answered, 1, "the next X was not listened to yet");
    test.listen(Label::X, &mut ears);
    test.answer(AbxSide::B, &mut ears).unwrap();
    let report = test.report().unwrap().clone();
    test.listen(Label::X, &mut ears);
    test.answer(AbxSide::A, &mut ears).unwrap();
    assert_eq!(test.report(), Some(&report), "nothing changes after the end");
}

/// A listener whose ears stop at the difference that some depth leaves: the staircase finds it.
#[test]
fn the_threshold_of_a_listener_is_found() {
    let at = 6;
    let made = rendered(&[Contender::Original, depth(at), depth(at + 1)]);
    let planes = &made.stimuli.planes;
    let limit = (distance_db(&planes[0], &planes[1]) + distance_db(&planes[0], &planes[2])) / 2.0;
    let mut found = Vec::new();
    for seed in 0..6 {
        let mut ears = Headphones::default();
        let mut guess = SeededRandom(seed + 77);
        let draw = Box::new(SeededRandom(seed * 104_729 + 3));
        let mut test = Trials::threshold(ladder(), draw).unwrap();
        while test.report().is_none() {
            one_trial(&mut test, &mut ears, limit, &mut guess);
        }
        let report = test.report().unwrap();
        let TestResult::Staircase(result) = &report.findings else { panic!("a staircase") };
        if let Threshold::Depth(depth) = result.threshold {
            found.push(depth.ln());
        }
        // Each depth that was heard, and the original beside it.
        let mut heard: Vec<usize> = result.trials.iter().map(|(depth, _)| *depth).collect();
        heard.sort_unstable();
        heard.dedup();
        assert_eq!(report.heard.compared.len(), 2 * heard.len());
        for (pair, depth) in report.heard.compared.chunks(2).zip(&heard) {
            assert!(pair[1].name.starts_with(&format!("depth {depth} of")), "{}", pair[1].name);
        }
    }
    let mean = (found.iter().sum::<f64>() / found.len() as f64).exp();
    println!("{} of 6 settled, at {mean:.2} layers on average; the truth is {at}", found.len());
    assert!(found.len() >= 4 && (0.7..1.6).contains(&(mean / at as f64)), "{found:?}: {mean}");
}

#[test]
fn a_rating_finds_the_hidden_reference_and_the_anchor() {
    let made = rendered(&[Contender::Original, Contender::Anchor, depth(2), depth(8), depth(32)]);
    let mut ears = Headphones::default();
    let mut test = Ratings::new(made, &mut SystemRandom).unwrap();
    test.tick(&mut ears);
    let reference = ears.heard();
    assert!(test.close(&mut ears).is_err(), "nothing is rated yet");
    for place in 0..test.places() {
        test.listen(Stand::Place(place), &mut ears);
        // 0 dB of difference is bad, none at all is the reference.
        let far = distance_db(&reference, &ears.heard());
        let score = if far == f64::NEG_INFINITY { 100.0 } else { (-far * 3.0).clamp(0.0, 99.0) };
        test.rate(place, score as u8).unwrap();
        assert!(test.report().is_none());
    }
    test.close(&mut ears).unwrap();
    let report = test.report().unwrap().clone();
    let TestResult::Rating { scores, heard_reference } = &report.findings else {
        panic!("a rating")
    };
    assert!(*heard_reference);
    assert_eq!((scores[0].name.as_str(), scores[0].score), ("the original", 100));
    let score = |name: &str| scores.iter().find(|s| s.name.starts_with(name)).unwrap().score;
    assert!(score("depth 2 ") < score("depth 8 ") && score("depth 8 ") < score("depth 32 "));
    assert!(score("the anchor") < 100);
    assert!(test.rate(0, 3).is_err(), "closed for good");
    assert_eq!(test.report(), Some(&report));
}
