//! Lanes are exactly as late as reported.

use residue_engine::audio::MonoTreatment;
use residue_engine::live::{ListeningSource, PortConfig, PortSettings};

use super::support::{Identity, difference, offline, play, voice};

const RATES: [u32; 6] = [22_050, 44_100, 48_000, 88_200, 96_000, 192_000];
const BLOCKS: [usize; 6] = [1, 17, 64, 480, 1024, 16_384];
/// Channels of host and model, and what happens between them.
const LAYOUTS: [(usize, usize, MonoTreatment); 5] = [
    (1, 1, MonoTreatment::Dual),
    (2, 1, MonoTreatment::Dual),
    (2, 1, MonoTreatment::Mid),
    (1, 2, MonoTreatment::Dual),
    (2, 2, MonoTreatment::Dual),
];

fn config(rate: u32, block: usize, layout: (usize, usize, MonoTreatment)) -> PortConfig {
    PortConfig { treatment: layout.2, ..PortConfig::new(rate, layout.0, block) }
}

/// An impulse through the dry lane comes out once, whole, on the reported sample.
#[test]
fn an_impulse_through_the_dry_lane_lands_on_the_reported_sample() {
    for rate in RATES {
        for block in BLOCKS {
            for layout in LAYOUTS {
                let model = Identity::new(24_000, layout.1, 480);
                let mut config = config(rate, block, layout);
                config.settings =
                    PortSettings { source: ListeningSource::Dry, ..PortSettings::default() };
                let (mut port, _control) = offline(&config, &model);
                let latency = port.latency().total();
                let mut input = vec![vec![0.0; 100]; layout.0];
                input.iter_mut().for_each(|plane| plane[37] = 0.5);
                let out = play(&mut port, &input, latency + 100, std::iter::repeat(block));
                for plane in &out {
                    let found: Vec<usize> = (0..plane.len()).filter(|&n| plane[n] != 0.0).collect();
                    assert_eq!(found, [37 + latency], "{rate} Hz, blocks of {block}, {layout:?}");
                    assert_eq!(plane[37 + latency], 0.5);
                }
            }
        }
    }
}

/// Lane A of a model that changes nothing is, within the model's band, the dry lane: their correlation
/// peaks at a lag of 0, and what is left of their difference leaves no room for a hundredth of a
/// sample.
#[test]
fn lane_a_is_aligned_with_the_dry_lane_to_the_sample() {
    for rate in RATES {
        for block in BLOCKS {
            for layout in LAYOUTS {
                check_alignment(rate, block, layout);
            }
        }
    }
}

/// The ends of what hosts run at.
#[test]
fn the_slowest_and_the_fastest_hosts_are_aligned_too() {
    for rate in [8_000, 768_000] {
        for layout in [LAYOUTS[1], LAYOUTS[4]] {
            check_alignment(rate, 480, layout);
        }
    }
}

fn check_alignment(rate: u32, block: usize, layout: (usize, usize, MonoTreatment)) {
    for (model_rate, frame) in [(24_000, 480), (48_000, 3840)] {
        let model = Identity::new(model_rate, layout.1, frame);
        let seconds = 0.4 + frame as f64 / f64::from(model_rate);
        let length = (f64::from(rate) * seconds) as usize;
        let signal = voice(rate, length);
        let peak = signal.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        let (mut port, _control) = offline(&config(rate, block, layout), &model);
        let latency = port.latency().total();
        let input = vec![signal.clone(); layout.0];
        let out = play(&mut port, &input, latency, std::iter::repeat(block));
        let what = format!("{rate} Hz, blocks of {block}, {layout:?}, {model_rate} Hz");
        // Not where the signal starts and stops, which is as wide as can be.
        let edge = 1000.min(length / 4);
        for plane in &out {
            let lag = |lag: isize| {
                let at = |n: usize| plane[(n as isize + latency as isize + lag) as usize];
                (edge..length - edge).map(|n| signal[n] * at(n)).sum::<f32>()
            };
            let (before, here, after) = (lag(-1), lag(0), lag(1));
            // At a fast host a sample is too short to tell neighbours apart in 32 bits.
            assert!(
                rate > 200_000 || (here > before && here > after),
                "{what}: {before} {here} {after}"
            );
            let inner = edge..length - edge;
            let played = &plane[latency..][inner.clone()];
            let shift = difference(played, &signal[inner]) / peak;
            assert!(shift < 2e-4, "{what}: {shift} of the peak is left over");
        }
    }
}

/// The parts of the latency are what they say.
#[test]
fn the_latency_is_a_frame_and_the_filters_and_the_allowance() {
    let model = Identity::new(24_000, 1, 480);
    let parts = |rate| {
        let (port, _control) = offline(&PortConfig::new(rate, 2, 64), &model);
        let latency = port.latency();
        (latency.frame, latency.resampling, latency.allowance)
    };
    assert_eq!(parts(24_000), (480, 0, 0));
    let (frame, resampling, _) = parts(48_000);
    assert_eq!(frame, 960);
    // 48 samples of 24 kHz to either side, both ways.
    assert!((180..=200).contains(&resampling), "{resampling}");
}
