//! Random sessions with everything that can happen to a port, for watches over the audio thread: the
//! counting allocator and RealtimeSanitizer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use residue_engine::audio::MonoTreatment;
use residue_engine::dsp::SplitMix64;
use residue_engine::live::{
    Allowance, Concealment, ListeningSource, LossConcealment, PortConfig, PortControl,
    PortSettings, PortStatus, open_port,
};

use super::identity::Identity;

/// Runs a call under a watch: everything in it happens on the audio thread.
pub type Watch = dyn Fn(&mut dyn FnMut());

/// Calls of a session.
const STEPS: usize = 300;
const RATES: [u32; 5] = [8000, 24_000, 44_100, 48_000, 96_000];
const BLOCKS: [usize; 5] = [1, 16, 64, 256, 1000];

/// Reproducible choices.
struct Dice(SplitMix64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    fn settings(&mut self) -> PortSettings {
        let mut settings = PortSettings {
            source: self.of(&ListeningSource::ALL),
            mix: self.of(&[0.0, 0.3, 1.0, f32::NAN]),
            concealment: self.of(&[Concealment::Dry, Concealment::Hold, Concealment::Silence]),
            ..PortSettings::default()
        };
        let frames = &mut settings.frames;
        frames.depths = [self.below(40), self.of(&[0, 1, 32, usize::MAX])];
        frames.muted_layers = self.below(64) as u64;
        frames.freeze = self.below(4) == 0;
        frames.match_loudness = self.below(3) == 0;
        frames.loss.rate = self.of(&[0.0, 0.5, f32::NAN, f32::INFINITY]);
        frames.loss.fill = self.of(&[LossConcealment::Repeat, LossConcealment::Silence]);
        settings
    }
}

/// Controls of the model of a session.
#[derive(Clone)]
struct Model {
    /// Time a frame, in microseconds.
    time: Arc<AtomicU64>,
    panics: Arc<AtomicBool>,
}

impl Model {
    fn identity(&self, channels: usize) -> Identity {
        let Self { time, panics } = self.clone();
        Identity::new(24_000, channels, 480).with(move |frames, audio| {
            let micros = time.load(Ordering::Relaxed) * frames.count as u64;
            std::thread::sleep(Duration::from_micros(micros));
            if panics.load(Ordering::Relaxed) {
                // As a panic does, without its message on the terminal.
                std::panic::resume_unwind(Box::new("asked to panic"));
            }
            if frames.first_frame % 7 == 3 {
                audio[0] = f32::NAN;
            }
            Ok(())
        })
    }
}

/// Sets a flag when it goes out of scope, by a panic too.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Plays a session: every call of the port is made under `watch`, in blocks of random sizes, while another
/// thread reads status and telemetry, changes models, and at last drops the control. With `offline` the
/// port also waits for the worker at times. Returns the last status before the control was dropped.
pub fn play(seed: u64, offline: bool, watch: &Watch) -> PortStatus {
    let mut dice = Dice(SplitMix64::new(seed));
    let (rate, channels, max_block) = (dice.of(&RATES), 1 + dice.below(2), dice.of(&BLOCKS));
    let model = Model { time: Arc::default(), panics: Arc::default() };
    let planes = 1 + dice.below(2);
    let config = PortConfig {
        allowance: Allowance::Samples(dice.of(&[0, max_block, 4 * max_block + 500])),
        treatment: dice.of(&[MonoTreatment::Dual, MonoTreatment::Mid]),
        settings: dice.settings(),
        ..PortConfig::new(rate, channels, max_block)
    };
    let (mut port, control) = open_port(&config, &model.identity(planes)).expect("the port opens");

    let over = AtomicBool::new(false);
    let dropped = 3 * STEPS / 4;
    let mut status = None;
    let mut audio = vec![vec![0.0f32; 4 * max_block]; 3];
    let mut other = audio.clone();
    std::thread::scope(|scope| {
        // Also where a call fails: the other thread would keep its failure waiting for ever.
        let _ends = SetOnDrop(&over);
        let (ends, ended) = std::sync::mpsc::channel();
        scope.spawn(|| use_control(control, &over, &model, planes, ended));
        for step in 0..STEPS {
            if step == dropped {
                let (answer, last) = std::sync::mpsc::channel();
                ends.send(answer).expect("the others are there");
                status = Some(last.recv().expect("the others answer"));
            }
            match dice.below(12) {
                0 => model.time.store(dice.of(&[0, 0, 1000, 25_000]), Ordering::Relaxed),
                1 => std::thread::sleep(Duration::from_millis(dice.below(10) as u64)),
                2 => model.panics.store(dice.below(8) == 0, Ordering::Relaxed),
                _ => {}
            }
            let settings = dice.settings();
            let (count, used) = (dice.below(4 * max_block + 1), dice.below(4));
            let (call, odd) = (dice.below(16), dice.of(&[f32::NAN, f32::INFINITY, 1e-40, 2.0]));
            let value = dice.below(1000) as f32 / 1000.0 - 0.5;
            audio.iter_mut().for_each(|plane| plane.fill(value));
            audio[0][dice.below(4 * max_block)] = odd;
            let [a, b, c] = &mut audio[..] else { unreachable!("there are three") };
            let mut planes = [&mut a[..count], &mut b[..count], &mut c[..count]];
            let [d, e, f] = &mut other[..] else { unreachable!("there are three") };
            let mut outputs = [&mut d[..count], &mut e[..count], &mut f[..count]];
            watch(&mut || match call {
                0..=2 => port.set(&settings),
                3 => port.reset(),
                4 => port.set_offline(offline && count % 2 == 0),
                5 => {
                    assert_eq!(port.channels(), channels);
                    assert!(port.latency().total() > 0 && port.settings().frames.depths.len() == 2);
                }
                6..=8 => {
                    let inputs = planes.each_ref().map(|plane| &**plane);
                    port.process_to(&inputs[..used], &mut outputs[..used.max(1)]);
                }
                _ => port.process(&mut planes[..used]),
            });
            assert!(outputs.iter().all(|plane| plane.iter().all(|x| !x.is_nan())));
        }
    });
    status.expect("the control was dropped on the way")
}

/// Uses the control as other threads do while audio runs, until it is told to drop it.
fn use_control(
    control: PortControl,
    over: &AtomicBool,
    model: &Model,
    channels: usize,
    ended: std::sync::mpsc::Receiver<std::sync::mpsc::Sender<PortStatus>>,
) {
    let (mut codes, mut lanes) = (control.codes(), control.lanes());
    let mut control = Some(control);
    let mut round = 0;
    while !over.load(Ordering::Relaxed) {
        codes.read(|_| ());
        lanes.read(|_| ());
        if let Some(open) = &control {
            let status = open.status();
            round += 1;
            if round % 16 == 0 {
                // Refused or not: a model that panics when it is timed is.
                let _ = open.change_model(&model.identity(channels));
            }
            if let Ok(answer) = ended.try_recv() {
                control = None;
                let _ = answer.send(status);
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
