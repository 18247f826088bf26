//! Tests play through the studio: what the devices get is what was rendered, at the same place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use residue_app::blind::{Contender, Label, Player, Trials};
use residue_app::studio::{Simulated, Studio, StudioOptions};
use residue_engine::blind::SystemRandom;

use crate::listener::{RATE, pause, rendered};

const BLOCK: usize = 256;

fn play(devices: &Simulated, blocks: usize) -> Vec<f32> {
    devices.play(blocks * BLOCK);
    let [left, _] = devices.take_heard();
    left
}

#[test]
fn what_is_heard_is_the_version_that_was_chosen_at_the_same_place() {
    let devices = Simulated::new(RATE, BLOCK as u32);
    let mut studio =
        Studio::new(Arc::new(devices.clone()), StudioOptions::default(), Arc::new(|| ()));
    Player::start(&mut studio);
    let until = Instant::now() + Duration::from_secs(120);
    while Player::rate(&studio).is_none() {
        assert!(Instant::now() < until, "no stream");
        studio.tick();
        pause();
    }
    Player::set_muted(&mut studio, false);
    play(&devices, 20);

    let made = rendered(&[Contender::Original, Contender::Anchor]);
    let planes: Vec<Vec<f32>> =
        made.stimuli.planes.iter().map(|audio| audio.channels[0].clone()).collect();
    let length = planes[0].len();
    let mut test = Trials::abx(made, 3, Box::new(SystemRandom)).unwrap();
    test.tick(&mut studio).unwrap();
    // Where in the passage that is, of the version that every trial begins with.
    let place = |heard: &[f32], version: &[f32]| {
        (0..length).find(|at| (0..heard.len()).all(|n| heard[n] == version[(at + n) % length]))
    };
    let mut at = loop {
        assert!(Instant::now() < until, "never A, sample for sample");
        for notice in studio.tick() {
            println!("{}", notice.text);
        }
        let heard = play(&devices, 40);
        if let Some(at) = place(&heard, &planes[0]) {
            break at + heard.len();
        }
        pause();
    };
    for label in [Label::B, Label::X, Label::A, Label::X] {
        test.listen(label, &mut studio);
        let fade = play(&devices, 4);
        let heard = play(&devices, 4);
        at += fade.len();
        let version = planes.iter().position(|version| place(&heard, version) == Some(at % length));
        let version = version.unwrap_or_else(|| panic!("{label:?} at {at}"));
        match label {
            Label::A => assert_eq!(version, 0),
            Label::B => assert_eq!(version, 1),
            Label::X => {}
        }
        at += heard.len();
    }

    Player::set_playing(&mut studio, false);
    let stopping = play(&devices, 8);
    assert!(stopping[..BLOCK / 8].iter().any(|x| *x != 0.0), "it fades");
    assert!(stopping[4 * BLOCK..].iter().all(|x| *x == 0.0), "and is silent");
    let paused = Player::position(&studio).unwrap();
    play(&devices, 20);
    assert_eq!(Player::position(&studio), Some(paused));
    Player::set_playing(&mut studio, true);
    let heard = play(&devices, 20);
    let rest = &heard[8 * BLOCK..];
    assert!(planes.iter().any(|version| place(rest, version).is_some()), "it goes on");

    Player::end(&mut studio);
    assert_eq!(Player::position(&studio), None);
}
