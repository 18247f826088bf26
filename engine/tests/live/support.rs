//! Signals, and a host that plays them.

use residue_engine::audio::Audio;
use residue_engine::live::{Allowance, AudioPort, LiveModel, PortConfig, PortControl, open_port};

pub use residue_engine_testing::noise;

pub use super::identity::Identity;

/// Opens a port in offline mode, where nothing is ever late, at any speed.
pub fn offline(config: &PortConfig, model: &dyn LiveModel) -> (AudioPort, PortControl) {
    let config = PortConfig { allowance: Allowance::Samples(0), ..*config };
    let (mut port, control) = open_port(&config, model).expect("the port opens");
    port.set_offline(true);
    (port, control)
}

/// Plays `audio` and then `tail` samples of silence through a port, in blocks of the sizes given, in
/// turn.
pub fn play(
    port: &mut AudioPort,
    audio: &[Vec<f32>],
    tail: usize,
    blocks: impl IntoIterator<Item = usize>,
) -> Vec<Vec<f32>> {
    let mut planes = audio.to_vec();
    let total = planes[0].len() + tail;
    planes.iter_mut().for_each(|plane| plane.resize(total, 0.0));
    let mut at = 0;
    let mut blocks = blocks.into_iter();
    while at < total {
        let end = total.min(at + blocks.next().expect("blocks go on"));
        let mut block: Vec<&mut [f32]> =
            planes.iter_mut().map(|plane| &mut plane[at..end]).collect();
        port.process(&mut block);
        at = end;
    }
    planes
}

/// Returns a voice-like signal: harmonics of a gliding tone, with pauses.
pub fn voice(rate: u32, length: usize) -> Vec<f32> {
    let mut phase = 0.0f64;
    (0..length)
        .map(|n| {
            let t = n as f64 / f64::from(rate);
            phase += (140.0 + 40.0 * (2.1 * t).sin()) / f64::from(rate);
            let envelope = (1.7 * t * std::f64::consts::TAU).sin().max(0.0);
            let harmonics: f64 = (1..12)
                .map(|h| (phase * std::f64::consts::TAU * f64::from(h)).sin() / f64::from(h))
                .sum();
            (0.25 * envelope * harmonics) as f32
        })
        .collect()
}

/// Returns the audio of planes at a rate.
pub fn audio(rate: u32, channels: Vec<Vec<f32>>) -> Audio {
    Audio::new(rate, channels)
}

/// Returns the largest difference of two signals.
pub fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

/// Returns the level of a sample value, in dBFS.
pub fn db(value: f32) -> f32 {
    20.0 * value.max(1e-12).log10()
}
