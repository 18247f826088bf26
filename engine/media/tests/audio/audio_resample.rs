//! Alignment and length of converted files; for quality see `audio_converter`.

use residue_media::audio::{Audio, AudioError, resample, resample_to_length, resampled_length};

use crate::signals::{largest_error, noise, sine, snr};

fn mono(rate: u32, samples: Vec<f32>) -> Audio {
    Audio::new(rate, vec![samples])
}

/// Returns `samples` without both ends, where the filter rings.
fn middle(samples: &[f32]) -> &[f32] {
    &samples[samples.len() / 4..samples.len() * 3 / 4]
}

#[test]
fn the_same_rate_is_a_copy_bit_for_bit() {
    for rate in [1, 44_100, 4_000_000] {
        let audio = mono(rate, noise(1000, 3));
        assert_eq!(resample(&audio, rate).unwrap(), audio);
    }
}

#[test]
fn output_is_aligned_with_the_input() {
    for (from, to) in [
        (44_100, 48_000),
        (48_000, 44_100),
        (24_000, 48_000),
        (48_000, 24_000),
        (8_000, 768_000),
        (768_000, 8_000),
        (44_100, 11_025),
        (22_050, 48_001),
    ] {
        // A Gaussian within the band of the lower rate, whose maximum lies between samples of both.
        let top = 0.0712;
        let width = 3.0 / f64::from(from.min(to));
        let bell = |rate: u32, length: usize| -> Vec<f32> {
            (0..length)
                .map(|n| (-((n as f64 / f64::from(rate) - top) / width).powi(2)).exp() as f32)
                .collect()
        };
        let audio = mono(from, bell(from, from as usize / 5));
        let found = &resample(&audio, to).unwrap().channels[0];
        // A shift by a hundredth of the lower rate's sample would leave 0.003.
        let error = largest_error(&bell(to, found.len()), found);
        println!("{from} -> {to}: {error:e}");
        assert!(error < 2e-5, "{from} -> {to}: {error}");
    }
}

#[test]
fn lengths_are_exact() {
    for (from, to) in [(44_100, 48_000), (48_000, 24_000), (768_000, 8_000), (8_000, 768_000)] {
        for length in [0, 1, 2, 3, 5, 47, 1919, 1920, 1921, 4097, 10_007] {
            let audio = Audio::new(from, vec![noise(length, 1); 2]);
            let found = resample(&audio, to).unwrap();
            let exact = (length as f64 * f64::from(to) / f64::from(from)).round() as usize;
            assert_eq!(resampled_length(length, from, to), exact);
            assert_eq!(found.rate, to);
            assert!(found.channels.iter().all(|c| c.len() == exact), "{from} -> {to}, {length}");
        }
    }
    assert_eq!(resampled_length(1, 2, 1), 1, "halves round up");
    assert_eq!(resampled_length(usize::MAX, 1, u32::MAX), usize::MAX);
    assert_eq!(resampled_length(1, 0, 1), 0);
}

#[test]
fn a_given_length_truncates_or_continues() {
    let audio = mono(44_100, noise(5000, 2));
    let whole = resample(&audio, 48_000).unwrap();
    for length in [0, 1, 5000, 5442, 5443, 20_000] {
        let found = resample_to_length(&audio, 48_000, length).unwrap();
        assert_eq!(found.len(), length);
        let common = length.min(whole.len());
        assert_eq!(found.channels[0][..common], whole.channels[0][..common]);
        assert!(found.channels[0][length.min(12_000)..].iter().all(|&x| x == 0.0));
    }
    assert_eq!(resample_to_length(&audio, 44_100, 6000).unwrap().len(), 6000);
}

#[test]
fn constant_level_is_kept() {
    let audio = mono(44_100, vec![0.25; 44_100]);
    let found = resample(&audio, 48_000).unwrap();
    assert!(middle(&found.channels[0]).iter().all(|x| (x - 0.25).abs() < 1e-6));
}

#[test]
fn unsupported_rates_are_refused() {
    for (from, to) in [(0, 48_000), (48_000, 0), (48_000, 999), (48_000, 1_536_001)] {
        let error = resample(&mono(from, vec![0.0; 10]), to).unwrap_err();
        assert!(matches!(error, AudioError::ResampleRate { .. }), "{error}");
    }
}

#[test]
fn coprime_rates_work() {
    let audio = mono(767_999, sine(767_999, 1000.0, 0.5, 100_000));
    let found = resample(&audio, 48_000).unwrap();
    assert_eq!(found.len(), 6250);
    let expected = sine(48_000, 1000.0, 0.5, 6250);
    assert!(snr(middle(&expected), middle(&found.channels[0])) > 60.0);
}
