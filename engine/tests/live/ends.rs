//! Ports, controls and workers that end or start over at bad moments: nothing waits for ever, nothing
//! shifts.

use std::sync::mpsc;
use std::time::Duration;

use residue_engine::live::{
    Allowance, Concealment, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat,
    PortConfig, PortHealth, open_port,
};

use super::gate::{Gate, Stepper};
use super::support::{Identity, noise, offline, play};

const RATE: u32 = 24_000;
const FRAME: usize = 480;
const BLOCK: usize = 240;

fn identity() -> Identity {
    Identity::new(RATE, 1, FRAME)
}

/// Fails if `body` takes for ever.
fn ends<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(body()));
    result.recv_timeout(Duration::from_secs(60)).expect("it ends without a panic")
}

/// The first samples after a reset find no room, so that the stream starts with a gap.
#[test]
fn a_reset_while_the_rings_are_full_shifts_nothing() {
    let (gate, model) = Gate::new(identity());
    let mut config = PortConfig::new(RATE, 1, BLOCK);
    config.allowance = Allowance::Samples(3 * FRAME);
    config.settings.concealment = Concealment::Silence;
    let (port, control) = open_port(&config, &model).unwrap();
    let latency = port.latency().total();
    let mut host = Stepper { port, control, gate, block: BLOCK, frame: FRAME, played: Vec::new() };
    host.gate.close();
    host.play(&noise(1, 200 * FRAME, 0.5), false);
    assert!(host.control.status().dropped_samples > 0);
    host.port.reset();
    let lost = FRAME / 2 + BLOCK;
    host.play(&noise(2, lost, 0.5), false);
    host.gate.open();
    // The worker takes what waits; then there is room again.
    let input = noise(3, 60 * FRAME, 0.5);
    let start = host.played.len();
    for block in input.chunks(BLOCK) {
        std::thread::sleep(Duration::from_millis(2));
        host.play(block, false);
    }
    let delayed = |at: usize| (host.played[start + at + latency], input[at]);
    let right = (30 * FRAME..50 * FRAME).filter(|&at| delayed(at).0 == delayed(at).1).count();
    assert_eq!(right, 20 * FRAME);
}

/// Lanes that nobody will hear must not fill the ring while a host starts over again and again.
#[test]
fn resets_before_anything_is_heard_do_not_stop_the_worker() {
    ends(|| {
        let mut config = PortConfig::new(RATE, 1, 1000);
        config.allowance = Allowance::Samples(RATE as usize);
        let (mut port, _control) = open_port(&config, &identity()).unwrap();
        port.set_offline(true);
        let latency = port.latency().total();
        let input = noise(4, latency - 1, 0.5);
        for _ in 0..12 {
            let out = play(&mut port, std::slice::from_ref(&input), 0, std::iter::repeat(1000));
            assert!(out[0].iter().all(|x| *x == 0.0));
            port.reset();
        }
        let input = noise(5, 3 * FRAME, 0.5);
        let out = play(&mut port, std::slice::from_ref(&input), latency, std::iter::repeat(1000));
        assert!(out[0][latency..] == input);
    });
}

/// An identity that cannot start over.
struct Once;

impl LiveModel for Once {
    fn format(&self) -> ModelFormat {
        identity().format
    }

    fn processor(&self, _: usize) -> Result<Box<dyn FrameProcessor>, String> {
        Ok(Box::new(OnceProcessor { resets: 0, inner: identity().processor(1)? }))
    }
}

struct OnceProcessor {
    resets: usize,
    inner: Box<dyn FrameProcessor>,
}

impl FrameProcessor for OnceProcessor {
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String> {
        self.inner.process(frames, out)
    }

    fn reset(&mut self) {
        self.resets += 1;
        assert!(self.resets < 2, "only once");
    }
}

#[test]
fn a_model_that_panics_when_it_starts_over_leaves_dry_audio() {
    ends(|| {
        let (mut port, control) = offline(&PortConfig::new(RATE, 1, BLOCK), &Once);
        let latency = port.latency().total();
        let input = noise(6, 20 * FRAME, 0.5);
        for _ in 0..2 {
            let input = std::slice::from_ref(&input);
            let out = play(&mut port, input, latency, std::iter::repeat(BLOCK));
            assert!(out[0][latency..] == input[0]);
            port.reset();
        }
        let health = control.status().health;
        assert!(
            matches!(&health, PortHealth::Failed(why) if why.contains("only once")),
            "{health:?}"
        );
    });
}

/// Whoever waits offline goes on when the model fails, and when the control goes.
#[test]
fn an_offline_port_does_not_wait_for_what_will_never_come() {
    for drops in [false, true] {
        ends(move || {
            let (gate, model) = Gate::new(identity());
            let failing = model.with({
                let gate = std::sync::Arc::clone(&gate);
                move |_, _| {
                    gate.pass();
                    std::panic::resume_unwind(Box::new("asked to panic"))
                }
            });
            let (mut port, control) = offline(&PortConfig::new(RATE, 1, BLOCK), &failing);
            gate.close();
            let input = noise(7, 40 * FRAME, 0.5);
            let latency = port.latency().total();
            let playing = std::thread::spawn(move || {
                let out = play(
                    &mut port,
                    std::slice::from_ref(&input),
                    latency,
                    std::iter::repeat(BLOCK),
                );
                assert!(out[0][latency..] == input, "dry stands in for what is missing");
                port
            });
            std::thread::sleep(Duration::from_millis(20));
            let opener = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                gate.open();
            });
            let control = if drops {
                drop(control);
                None
            } else {
                Some(control)
            };
            let mut port = playing.join().expect("no panic");
            opener.join().expect("no panic");
            // Without its control and with a dead model it plays on.
            port.process(&mut [&mut [0.5; 3 * BLOCK]]);
            drop(port);
            drop(control);
        });
    }
}
