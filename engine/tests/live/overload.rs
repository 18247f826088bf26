//! Overload: late frames are concealed, counted and dropped, and the lanes recover as soon as the load
//! ends.

use std::sync::{Arc, Mutex};

use residue_engine::live::{Allowance, Concealment, PortConfig, open_port};

use super::gate::{Gate, Stepper};
use super::support::{Identity, difference, noise, play};

const RATE: u32 = 24_000;
const FRAME: usize = 480;
const BLOCK: usize = 240;
const ALLOWANCE: usize = 3 * FRAME;
const LATENCY: usize = FRAME + ALLOWANCE;
/// Samples around a join that it changes: 5 ms.
const JOIN: usize = 120;

fn stepper(concealment: Concealment) -> Stepper {
    let (gate, model) = Gate::new(Identity::new(RATE, 1, FRAME));
    let mut config = PortConfig::new(RATE, 1, BLOCK);
    config.allowance = Allowance::Samples(ALLOWANCE);
    config.settings.concealment = concealment;
    let (port, control) = open_port(&config, &model).unwrap();
    assert_eq!(port.latency().total(), LATENCY);
    Stepper { port, control, gate, block: BLOCK, frame: FRAME, played: Vec::new() }
}

/// The codec stands still for 20 frames after 10 and then goes on.
fn overload(concealment: Concealment) -> (Vec<f32>, Vec<f32>, u64) {
    let input = noise(11, 60 * FRAME, 0.5);
    let mut host = stepper(concealment);
    let (before, rest) = input.split_at(10 * FRAME);
    let (during, after) = rest.split_at(20 * FRAME);
    host.play(before, true);
    assert_eq!(host.control.status().late_frames, 0);
    host.gate.close();
    host.play(during, false);
    host.gate.open();
    host.wait();
    host.play(after, true);
    let late = host.control.status().late_frames;
    (input, host.played, late)
}

#[test]
fn late_frames_are_concealed_and_counted_and_lanes_stay_aligned() {
    for concealment in [Concealment::Dry, Concealment::Silence, Concealment::Hold] {
        let (input, played, late) = overload(concealment);
        let delayed = |range: std::ops::Range<usize>| {
            let input = &input[range.start - LATENCY..range.end - LATENCY];
            (played[range].to_vec(), input.to_vec())
        };
        // Frame 10 was the first to be held up; its lane samples are due a latency later. Load ends
        // after 30 frames of input.
        let due = 10 * FRAME + LATENCY;
        let (lane, input_then) = delayed(LATENCY..due);
        assert!(lane == input_then, "before");
        let end = 30 * FRAME;
        let (lane, input_then) = delayed(end + 2 * FRAME..60 * FRAME);
        assert!(lane == input_then, "{concealment:?}: recovered within two frames");
        let (gap, dry) = delayed(due + JOIN..end);
        match concealment {
            Concealment::Dry => assert!(gap == dry),
            Concealment::Silence => assert!(gap.iter().all(|x| *x == 0.0)),
            Concealment::Hold => {
                let last = &input[9 * FRAME..10 * FRAME];
                let repeated = (0..gap.len()).map(|n| last[(n + JOIN) % FRAME]);
                assert!(gap.iter().zip(repeated).all(|(a, b)| *a == b));
            }
        }
        // From frame 10 to the one that was playing when the load ended.
        let playing = (end - LATENCY) / FRAME;
        assert_eq!(late as usize, playing - 10, "{concealment:?}");
    }
}

/// After a hold-up within the allowance the frames that waited go through as one batch, and none is late.
#[test]
fn frames_that_waited_go_through_together() {
    let waiting = 8;
    let allowance = 12 * FRAME;
    let batches: Arc<Mutex<Vec<usize>>> = Arc::default();
    let (gate, model) = Gate::new(Identity::new(RATE, 1, FRAME));
    let pass = model.act.clone().unwrap();
    let seen = Arc::clone(&batches);
    let model = model.with(move |frames, audio| {
        seen.lock().unwrap().push(frames.count);
        pass(frames, audio)
    });
    let mut config = PortConfig::new(RATE, 1, BLOCK);
    config.allowance = Allowance::Samples(allowance);
    let (port, control) = open_port(&config, &model).unwrap();
    let mut host = Stepper { port, control, gate, block: BLOCK, frame: FRAME, played: Vec::new() };
    let input = noise(14, 40 * FRAME, 0.5);
    host.play(&input[..10 * FRAME], true);
    host.gate.close();
    host.play(&input[10 * FRAME..11 * FRAME], false);
    host.gate.wait_until_reached();
    batches.lock().unwrap().clear();
    host.play(&input[11 * FRAME..(11 + waiting) * FRAME], false);
    host.gate.open();
    host.wait();
    assert_eq!(*batches.lock().unwrap(), [waiting]);
    host.play(&input[(11 + waiting) * FRAME..], true);
    let latency = FRAME + allowance;
    assert!(host.played[latency..] == input[..input.len() - latency]);
    assert_eq!(host.control.status().late_frames, 0);
}

/// Input that does not fit the rings is dropped and counted; nothing shifts.
#[test]
fn input_that_cannot_wait_is_dropped_and_counted() {
    let input = noise(12, 200 * FRAME, 0.5);
    let mut host = stepper(Concealment::Silence);
    host.play(&input[..5 * FRAME], true);
    host.gate.close();
    // 2.4 s: longer than the latency and half a second that can wait.
    host.play(&input[5 * FRAME..125 * FRAME], false);
    let dropped = host.control.status().dropped_samples as usize;
    assert!((60 * FRAME..120 * FRAME).contains(&dropped), "{dropped}");
    host.gate.open();
    host.play(&input[125 * FRAME..130 * FRAME], false);
    while host.control.status().delivered < 125 * FRAME as u64 {
        host.play(&input[..FRAME], false);
    }
    let shift = host.played.len();
    host.play(&input[130 * FRAME..], true);
    let from = shift + 4 * FRAME + LATENCY;
    let expected = &input[134 * FRAME..][..host.played.len() - from];
    assert!(difference(&host.played[from..], expected) == 0.0);
    assert!(host.control.status().late_frames >= 100);
}

/// The load figure is compute time over duration, and its peak starts anew when read.
#[test]
fn the_load_is_measured() {
    let mut host = stepper(Concealment::Dry);
    host.play(&noise(1, 5 * FRAME, 0.5), true);
    assert_eq!(host.control.status().frames, 5);
    host.control.status();
    host.gate.close();
    host.play(&noise(2, FRAME, 0.5), false);
    // The gate makes the frame last 100 ms at least: a load of 5 or more.
    std::thread::sleep(std::time::Duration::from_millis(100));
    host.gate.open();
    let mut peak = 0.0f32;
    while peak == 0.0 {
        peak = host.control.status().peak_load;
    }
    assert!(peak > 2.0, "{peak}");
    assert_eq!(host.control.status().peak_load, 0.0);
}

/// A reset that found no room for its mark starts the new stream where it was, to the sample.
#[test]
fn a_reset_under_overload_starts_at_its_sample() {
    let input = noise(13, 400 * FRAME, 0.5);
    let mut host = stepper(Concealment::Silence);
    host.play(&input[..5 * FRAME], true);
    host.gate.close();
    host.play(&input[..100 * FRAME], false);
    host.port.reset();
    let reset = host.played.len();
    host.play(&input[..7 * BLOCK], false);
    assert!(host.control.status().dropped_samples > 0);
    host.gate.open();
    // The worker learns of the new stream after the old one.
    host.wait_until_caught_up();
    let in_step = host.played.len();
    for block in input[7 * BLOCK..].chunks(BLOCK) {
        host.play(block, false);
        host.wait_from(reset, host.played.len());
    }
    let from = in_step + LATENCY + 4 * FRAME;
    assert!(host.played.len() > from + 10 * FRAME, "there is something to compare");
    let expected = &input[from - reset - LATENCY..][..host.played.len() - from];
    assert!(difference(&host.played[from..], expected) == 0.0);
}

/// Streams shorter than the latency leave nothing behind that could block the next.
#[test]
fn short_streams_offline_do_not_pile_up() {
    let model = Identity::new(RATE, 1, FRAME);
    let mut config = PortConfig::new(RATE, 1, FRAME);
    config.allowance = Allowance::Samples(20 * FRAME);
    let (mut port, _control) = open_port(&config, &model).unwrap();
    port.set_offline(true);
    for _ in 0..50 {
        play(&mut port, &[noise(1, 19 * FRAME, 0.5)], 0, std::iter::repeat(FRAME));
        port.reset();
    }
    let input = noise(2, 10 * FRAME, 0.5);
    let latency = port.latency().total();
    let out = play(&mut port, std::slice::from_ref(&input), latency, std::iter::repeat(FRAME));
    assert!(out[0][latency..] == input);
}
