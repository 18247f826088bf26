//! A codec that is late: concealed, counted, thrown away, and over as soon as the load is.

use residue_engine::live::{Allowance, Concealment, PortConfig, open};

use super::gate::{Gate, Stepper};
use super::support::{Identity, difference, noise};

const RATE: u32 = 24_000;
const FRAME: usize = 480;
const BLOCK: usize = 240;
const ALLOWANCE: usize = 3 * FRAME;
const LATENCY: usize = FRAME + ALLOWANCE;
/// Samples around a join that it changes: 5 ms.
const JOIN: usize = 120;

fn stepper(concealment: Concealment) -> (Stepper, residue_engine::live::Control) {
    let (gate, model) = Gate::new(Identity::new(RATE, 1, FRAME));
    let mut config = PortConfig::new(RATE, 1, BLOCK);
    config.allowance = Allowance::Samples(ALLOWANCE);
    config.settings.concealment = concealment;
    let (port, control) = open(&config, &model).unwrap();
    assert_eq!(port.latency().total(), LATENCY);
    (Stepper { port, gate, block: BLOCK, frame: FRAME, played: Vec::new() }, control)
}

/// The codec stands still for 20 frames after 10 and then goes on.
fn overload(concealment: Concealment) -> (Vec<f32>, Vec<f32>, u64) {
    let input = noise(11, 60 * FRAME, 0.5);
    let (mut host, control) = stepper(concealment);
    let (before, rest) = input.split_at(10 * FRAME);
    let (during, after) = rest.split_at(20 * FRAME);
    host.play(before, true);
    assert_eq!(control.status().late_frames, 0);
    host.gate.close();
    host.play(during, false);
    host.gate.open();
    host.gate.wait_for(30);
    host.play(after, true);
    (input, host.played, control.status().late_frames)
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

/// What does not fit the rings is dropped and counted; nothing shifts.
#[test]
fn input_that_cannot_wait_is_dropped_and_counted() {
    let input = noise(12, 200 * FRAME, 0.5);
    let (mut host, control) = stepper(Concealment::Silence);
    host.play(&input[..5 * FRAME], true);
    host.gate.close();
    // 2.4 s: longer than the latency and half a second that can wait.
    host.play(&input[5 * FRAME..125 * FRAME], false);
    let dropped = control.status().dropped_samples as usize;
    assert!((60 * FRAME..120 * FRAME).contains(&dropped), "{dropped}");
    host.gate.open();
    host.gate.wait_for(125 - dropped.div_ceil(FRAME) as u64);
    host.play(&input[125 * FRAME..], true);
    let from = 130 * FRAME + LATENCY;
    assert!(difference(&host.played[from..], &input[from - LATENCY..200 * FRAME - LATENCY]) == 0.0);
    assert!(control.status().late_frames >= 100);
}

/// The load figure is compute time over duration, and its peak starts anew when read.
#[test]
fn the_load_is_measured() {
    let (mut host, control) = stepper(Concealment::Dry);
    host.play(&noise(1, 5 * FRAME, 0.5), true);
    assert_eq!(control.status().frames, 5);
    control.status();
    host.gate.close();
    host.play(&noise(2, FRAME, 0.5), false);
    // The gate makes the frame last 100 ms at least: a load of 5 or more.
    std::thread::sleep(std::time::Duration::from_millis(100));
    host.gate.open();
    host.gate.wait_for(6);
    host.play(&noise(3, FRAME, 0.5), true);
    let status = control.status();
    assert!(status.peak_load > 2.0, "{status:?}");
    assert_eq!(control.status().peak_load, 0.0);
}
