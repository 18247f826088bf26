//! The measurements against numbers from an independent NumPy and SciPy implementation, which is
//! kept in `measure/make_goldens.py`.

use residue_engine_testing::SeededNoise;
use residue_media::audio::Audio;
use residue_media::measure::{
    EdgePadding, MelFilterbank, Stft, loudness, noise_to_mask, signal_distances,
};
use serde_json::Value;

fn goldens() -> Value {
    serde_json::from_str(include_str!("measure/goldens.json")).expect("the script writes JSON")
}

fn rows(golden: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(golden.clone()).expect("a list of lists of numbers")
}

/// The script's generator.
fn noise(samples: usize, seed: u32) -> Vec<f64> {
    SeededNoise::new(seed).samples(samples).into_iter().map(f64::from).collect()
}

/// The script's two signals, which are exact in 32-bit floats.
fn signals(rate: u32, samples: usize, seed: u32) -> [Audio; 2] {
    let triangle = |n: usize| ((n % 128) as f64 - 64.0).abs() / 64.0 - 0.5;
    let (first, second) = (noise(samples, seed), noise(samples, seed + 1));
    let reference = (0..samples).map(|n| triangle(n) / 2.0 + first[n] / 64.0);
    let other = reference.clone().zip(second).map(|(x, y)| x + y / 32.0);
    let audio = |channel: Vec<f32>| Audio::new(rate, vec![channel]);
    [audio(reference.map(|x| x as f32).collect()), audio(other.map(|x| x as f32).collect())]
}

#[track_caller]
fn assert_near(found: f64, golden: &Value, tolerance: f64) {
    let expected = golden.as_f64().expect("a number");
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
}

#[test]
fn distances_match() {
    let golden = goldens();
    let [reference, other] = signals(24_000, 6000, 1);
    let distances = signal_distances(&reference, &other).unwrap();
    assert_near(distances.mel, &golden["mel_distance"], 1e-6);
    assert_near(distances.stft.spectral_convergence, &golden["spectral_convergence"], 1e-6);
    assert_near(distances.stft.log_magnitude, &golden["log_magnitude"], 1e-6);
    assert_near(distances.si_sdr_db.unwrap(), &golden["si_sdr_db"], 1e-5);
}

#[test]
fn distances_of_signals_shorter_than_the_windows_match() {
    let golden = goldens();
    let [reference, other] = signals(24_000, 700, 5);
    let distances = signal_distances(&reference, &other).unwrap();
    assert_near(distances.mel, &golden["short_mel_distance"], 1e-6);
    assert_near(distances.stft.spectral_convergence, &golden["short_spectral_convergence"], 1e-6);
    assert_near(distances.stft.log_magnitude, &golden["short_log_magnitude"], 1e-6);
}

#[test]
fn channels_are_averaged() {
    let golden = goldens();
    let [mut reference, mut other] = signals(24_000, 6000, 1);
    // A second channel without any difference halves the distances.
    reference.channels.push(reference.channels[0].clone());
    other.channels.push(reference.channels[0].clone());
    let distances = signal_distances(&reference, &other).unwrap();
    assert_near(2.0 * distances.mel, &golden["mel_distance"], 1e-6);
    assert_near(2.0 * distances.stft.log_magnitude, &golden["log_magnitude"], 1e-6);
}

#[test]
fn the_mel_filterbank_matches() {
    let filterbank = MelFilterbank::new(16_000, 64, 10).unwrap();
    for (band, weights) in rows(&goldens()["mel_filterbank_16000_64_10"]).iter().enumerate() {
        for (bin, weight) in weights.iter().enumerate() {
            assert!((filterbank.weight(band, bin) - weight).abs() < 1e-9, "band {band}, bin {bin}");
        }
    }
}

#[test]
fn the_stft_matches() {
    let [reference, _] = signals(24_000, 6000, 1);
    let mut stft = Stft::new(64, 24, 96).unwrap();
    let found = stft.magnitudes(&reference.channels[0][..100], EdgePadding::Reflect);
    let expected = rows(&goldens()["stft_96_24_64"]).concat();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn gated_stereo_loudness_matches() {
    let [mut left, mut right] = signals(48_000, 72_000, 9);
    for channel in [&mut left.channels[0], &mut right.channels[0]] {
        channel[36_000..].iter_mut().for_each(|x| *x /= 64.0);
    }
    let stereo = Audio::new(48_000, [left.channels, right.channels].concat());
    let found = loudness(&stereo).unwrap().integrated_lufs.unwrap();
    assert_near(found, &goldens()["integrated_lufs_48000"], 0.01);
}

#[test]
fn noise_to_mask_ratios_match() {
    let golden: Value = serde_json::from_str(include_str!("measure/nmr_goldens.json"))
        .expect("the script writes JSON");
    let [reference, other] = signals(48_000, 30_000, 1);
    let change = |audio: &Audio, with: &Audio, sample: fn(usize, f32, f32) -> f32| {
        let pairs = audio.channels[0].iter().zip(&with.channels[0]).enumerate();
        Audio::new(48_000, vec![pairs.map(|(n, (a, b))| sample(n, *a, *b)).collect()])
    };
    let cut = |audio: &Audio| Audio::new(48_000, vec![audio.channels[0][..20_000].to_vec()]);
    let closer = change(&reference, &other, |_, a, b| a + (b - a) / 64.0);
    fn gate(n: usize) -> f32 {
        if n % 15_000 < 5000 { 1.0 } else { 0.0 }
    }
    let burst = cut(&change(&reference, &reference, |n, a, _| a * gate(n)));
    let noisy_burst = cut(&change(&reference, &other, |n, a, b| a * gate(n) + (b - a) / 64.0));
    for (name, reference, other) in [
        ("noisy", &reference, &other),
        ("closer", &reference, &closer),
        ("burst", &burst, &noisy_burst),
    ] {
        let found = noise_to_mask(reference, other).unwrap().expect("it is not silent");
        assert_near(found.total_db, &golden[name]["total_db"], 0.01);
        assert_near(found.disturbed_frames, &golden[name]["disturbed_frames"], 1e-9);
    }
}
