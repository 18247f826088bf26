//! What an audio callback costs beside a codec that is quick, jittery or too slow: its time in
//! percentiles, by the clock and by the processor's share of it, against its period.
//!
//! `cargo run --release -p residue-engine --example callback`
//!
//! Time by the clock includes whatever else the system ran meanwhile; the processor's does not.

use std::time::{Duration, Instant};

use residue_engine::live::{
    Allowance, DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat,
    PortConfig, open_port,
};

const RATE: u32 = 48_000;
const BLOCK: usize = 256;
const FRAME: usize = 3840;
const SECONDS: u64 = 5;

/// A codec that keeps a core busy for a share of the time, evenly or not.
#[derive(Clone, Copy)]
struct Busy {
    load: f64,
    jitter: bool,
}

impl LiveModel for Busy {
    fn format(&self) -> ModelFormat {
        ModelFormat { rate: RATE, channels: 2, frame: FRAME, layers: 0 }
    }

    fn processor(&self, _: usize) -> Result<Box<dyn FrameProcessor>, String> {
        Ok(Box::new(*self))
    }
}

impl FrameProcessor for Busy {
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String> {
        let began = Instant::now();
        out.audio.clear();
        for _ in 0..DECODED_LANES {
            frames.planes.iter().for_each(|plane| out.audio.extend_from_slice(plane));
        }
        // One frame in four takes three times as long as the others.
        let share = match (self.jitter, frames.first % 4) {
            (false, _) => 1.0,
            (true, 0) => 2.0,
            (true, _) => 2.0 / 3.0,
        };
        let seconds = share * self.load * frames.count as f64 * FRAME as f64 / f64::from(RATE);
        while began.elapsed().as_secs_f64() < seconds {
            std::hint::spin_loop();
        }
        Ok(())
    }

    fn reset(&mut self) {}
}

/// Time this thread has had a processor for.
#[cfg(unix)]
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists and the variable is there to be written to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(not(unix))]
fn processor_time() -> Duration {
    Duration::ZERO
}

fn main() {
    let period = Duration::from_secs(BLOCK as u64) / RATE;
    println!("{BLOCK} samples at {RATE} Hz: a period of {period:?}; in % of it:");
    println!("{:<22} {:>6} {:>8} {:>8} {:>8} {:>8}", "codec", "", "p50", "p99", "p99.9", "max");
    for (name, load, jitter) in
        [("idle", 0.0, false), ("load 0.5, jitter", 0.5, true), ("load 1.5", 1.5, false)]
    {
        let (clock, processor, late) = measure(Busy { load, jitter }, period);
        print(name, "clock", clock, period);
        print(&format!("{late} late frames"), "cpu", processor, period);
    }
}

fn print(name: &str, what: &str, mut times: Vec<Duration>, period: Duration) {
    times.sort();
    let share = |at: f64| {
        let index = ((times.len() - 1) as f64 * at).ceil() as usize;
        100.0 * times[index].as_secs_f64() / period.as_secs_f64()
    };
    println!(
        "{name:<22} {what:>6} {:>8.3} {:>8.3} {:>8.3} {:>8.3}",
        share(0.5),
        share(0.99),
        share(0.999),
        share(1.0)
    );
}

/// Times by the clock and the processor of every callback, and how many frames were late.
fn measure(model: Busy, period: Duration) -> (Vec<Duration>, Vec<Duration>, u64) {
    let mut config = PortConfig::new(RATE, 2, BLOCK);
    config.allowance = Allowance::Samples(FRAME);
    let (mut port, control) = open_port(&config, &model).expect("the port opens");
    let (mut clock, mut processor) = (Vec::new(), Vec::new());
    let mut planes = [[0.0f32; BLOCK]; 2];
    let began = Instant::now();
    for callback in 0..SECONDS * u64::from(RATE) / BLOCK as u64 {
        let due = began + period * callback as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for (n, sample) in planes.iter_mut().flatten().enumerate() {
            *sample = (n as f32 * 0.1 + callback as f32).sin() * 0.3;
        }
        let [left, right] = &mut planes;
        let (at, used) = (Instant::now(), processor_time());
        port.process(&mut [left, right]);
        processor.push(processor_time().saturating_sub(used));
        clock.push(at.elapsed());
    }
    (clock, processor, control.status().late_frames)
}
