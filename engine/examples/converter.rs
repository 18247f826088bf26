//! What converting a stereo stream to a model's rate and back costs: the share of one core's time.
//!
//! `cargo run --release -p residue-engine --example converter`

use std::hint::black_box;
use std::time::Instant;

use residue_engine::audio::RateConverter;

const HOST_RATES: [u32; 6] = [24_000, 44_056, 44_100, 48_000, 96_000, 768_000];
/// Seconds of audio a run, and runs of which the quickest counts.
const SECONDS: u32 = 4;
const RUNS: usize = 5;
/// Samples a block, as hosts have them.
const BLOCK: usize = 128;

fn main() {
    println!("{:>12} {:>10} {:>12}", "host Hz", "model Hz", "% of a core");
    for host in HOST_RATES {
        for model in [24_000, 48_000] {
            let taken = seconds(host, model) + seconds(model, host);
            let share = 100.0 * taken / f64::from(SECONDS);
            println!("{host:>12} {model:>10} {share:>12.3}");
        }
    }
}

/// Time for [`SECONDS`] of stereo audio, one way.
fn seconds(from: u32, to: u32) -> f64 {
    let input: Vec<f32> = (0..from * SECONDS).map(|n| (n % 997) as f32 / 997.0 - 0.5).collect();
    let mut channels = vec![RateConverter::new(from, to).expect("rates are supported"); 2];
    let mut output = Vec::with_capacity(channels[0].max_output(BLOCK));
    let run = |_| {
        let start = Instant::now();
        for block in input.chunks(BLOCK) {
            for channel in &mut channels {
                output.clear();
                channel.process(block, &mut output);
                black_box(&output);
            }
        }
        start.elapsed().as_secs_f64()
    };
    (0..RUNS).map(run).fold(f64::INFINITY, f64::min)
}
