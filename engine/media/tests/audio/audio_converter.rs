//! The streaming rate converter: counts, alignment, quality, and independence from blocks.

use std::f64::consts::TAU;

use proptest::prelude::*;
use residue_media::audio::{AudioError, RateConverter};

use crate::signals::{noise, sine, snr};

/// Rates of the host that models at 24 and 48 kHz meet: usual ones, the extremes, one that is
/// slightly off (44,056 Hz) and one that has no common divisor with any (47,999 Hz).
const HOST_RATES: [u32; 12] = [
    8_000, 11_025, 22_050, 24_000, 44_056, 44_100, 47_999, 48_000, 88_200, 96_000, 192_000, 768_000,
];

/// Runs `check` for every rate of [`HOST_RATES`] to and from both rates of models.
fn for_all_ratios(mut check: impl FnMut(u32, u32, &RateConverter)) {
    for host in HOST_RATES {
        for model in [24_000, 48_000] {
            for (from, to) in [(host, model), (model, host)] {
                check(from, to, &RateConverter::new(from, to).unwrap());
            }
        }
    }
}

/// The rates without their common divisor.
fn reduced(from: usize, to: usize) -> (usize, usize) {
    let (mut a, mut b) = (from, to);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    (from / a, to / a)
}

/// All outputs for `input`, in one block, on a fresh stream.
fn convert(converter: &RateConverter, input: &[f32]) -> Vec<f32> {
    let mut output = Vec::new();
    converter.clone().process(input, &mut output);
    output
}

/// Input samples for `outputs` outputs.
fn input_for(converter: &RateConverter, outputs: usize) -> usize {
    converter.needed(outputs as u64 - 1) as usize
}

/// `samples` without the part at the start where the filter still reaches before the stream.
fn settled<'a>(converter: &RateConverter, samples: &'a [f32]) -> &'a [f32] {
    let edge = converter.max_output(2 * converter.half_width()) + 1;
    &samples[edge.min(samples.len())..]
}

/// Level in decibels of `samples` against a sine of amplitude 1.
fn level(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
    10.0 * (2.0 * power / samples.len() as f64).log10()
}

/// Gain in decibels and delay in samples at `rate` of the sine at `hertz` in `samples`, which
/// start at sample `start` of the stream, against one of amplitude 1 and phase 0.
fn gain_and_delay(samples: &[f32], start: usize, rate: u32, hertz: f64) -> (f64, f64) {
    // A window that lets nothing of other frequencies in, also where the sine does not fit.
    let (mut sin, mut cos, mut weight) = (0.0, 0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let window = 1.0 - (TAU * (n as f64 + 0.5) / samples.len() as f64).cos();
        let angle = TAU * hertz / f64::from(rate) * (start + n) as f64;
        sin += window * f64::from(sample) * angle.sin();
        cos += window * f64::from(sample) * angle.cos();
        weight += window;
    }
    let gain = 2.0 * sin.hypot(cos) / weight;
    let delay = (-cos).atan2(sin) / TAU * f64::from(rate) / hertz;
    (20.0 * gain.log10(), delay)
}

#[test]
fn equal_rates_copy() {
    for rate in [1, 8_000, 44_100, 4_000_000_000] {
        let mut converter = RateConverter::new(rate, rate).unwrap();
        assert_eq!(converter.half_width(), 0);
        assert_eq!((converter.needed(7), converter.ready(8), converter.max_output(9)), (8, 8, 9));
        let input = noise(5000, 1);
        let mut output = Vec::new();
        converter.process(&input[..1234], &mut output);
        converter.process(&input[1234..], &mut output);
        assert_eq!(output, input);
        assert_eq!((converter.inputs(), converter.outputs()), (5000, 5000));
        assert_eq!(converter.seek(17), 17);
        assert_eq!((converter.inputs(), converter.outputs()), (17, 17));
    }
}

#[test]
fn rates_that_are_none_are_refused() {
    for (from, to) in [(0, 48_000), (48_000, 0), (48_000, 999), (1_536_001, 48_000)] {
        let error = RateConverter::new(from, to).map(drop).unwrap_err();
        assert!(matches!(error, AudioError::ResampleRate { .. }), "{error}");
    }
}

#[test]
fn needed_and_ready_are_inverse() {
    for_all_ratios(|from, to, converter| {
        let hours = u64::from(to) * 86_400 * 365;
        for output in (0..700).chain(hours..hours + 700) {
            let needed = converter.needed(output);
            assert!(converter.ready(needed) > output, "{from} -> {to}: {output}");
            assert!(converter.ready(needed - 1) <= output, "{from} -> {to}: {output}");
            let exact = u128::from(output) * u128::from(from) / u128::from(to);
            assert_eq!(u128::from(needed), exact + converter.half_width() as u128 + 1);
        }
        let few = converter.half_width() as u64;
        assert_eq!(converter.ready(few), 0);
        assert!(converter.ready(few + 1) >= 1);
    });
}

#[test]
fn blocks_of_one_sample_give_what_one_block_gives() {
    for_all_ratios(|from, to, converter| {
        let input = noise(2 * converter.half_width() + 5000, 7);
        let whole = convert(converter, &input);
        assert_eq!(whole.len() as u64, converter.ready(input.len() as u64));
        let mut single = converter.clone();
        let mut output = Vec::new();
        for (n, sample) in input.iter().enumerate() {
            let before = output.len();
            single.process(std::slice::from_ref(sample), &mut output);
            assert!(output.len() - before <= converter.max_output(1));
            assert_eq!(output.len() as u64, converter.ready(n as u64 + 1), "{from} -> {to}: {n}");
        }
        assert_eq!((single.inputs(), single.outputs()), (input.len() as u64, output.len() as u64));
        assert!(output == whole, "{from} -> {to}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_blocks_give_what_one_block_gives(
        host in prop::sample::select(&HOST_RATES[..]),
        model in prop::sample::select(vec![24_000u32, 48_000]),
        to_model: bool,
        blocks in prop::collection::vec(0usize..3000, 1..40),
    ) {
        let (from, to) = if to_model { (host, model) } else { (model, host) };
        let mut converter = RateConverter::new(from, to).unwrap();
        let input = noise(blocks.iter().sum(), 3);
        let whole = convert(&converter, &input);
        let (mut rest, mut output) = (&input[..], Vec::new());
        for length in blocks {
            let (block, after) = rest.split_at(length);
            let before = output.len();
            converter.process(block, &mut output);
            prop_assert!(output.len() - before <= converter.max_output(length));
            rest = after;
        }
        prop_assert!(output == whole, "{from} -> {to}");
    }

    #[test]
    fn a_seek_joins_the_unbroken_stream(
        host in prop::sample::select(&HOST_RATES[..]),
        model in prop::sample::select(vec![24_000u32, 48_000]),
        to_model: bool,
        part in 0.0f64..1.0,
    ) {
        let (from, to) = if to_model { (host, model) } else { (model, host) };
        let mut converter = RateConverter::new(from, to).unwrap();
        let input = noise(4 * converter.half_width() + 3000, 5);
        let whole = convert(&converter, &input);
        converter.process(&noise(3001, 6), &mut Vec::new());

        let target = (part * whole.len() as f64) as usize;
        let next = converter.seek(target as u64) as usize;
        prop_assert_eq!((converter.inputs(), converter.outputs()), (next as u64, target as u64));
        let centre = (target as u64 * u64::from(from) / u64::from(to)) as usize;
        prop_assert_eq!(next, (centre + 1).saturating_sub(converter.half_width().max(1)));
        let mut output = Vec::new();
        converter.process(&input[next..], &mut output);
        prop_assert!(output == whole[target..], "{from} -> {to} at {target}");
    }
}

#[test]
fn what_lies_before_a_seek_is_silence_and_does_not_remain() {
    for_all_ratios(|from, to, converter| {
        let fresh = convert(converter, &noise(6000, 2));
        let mut used = converter.clone();
        used.process(&noise(5001, 9), &mut Vec::new());
        used.reset();
        assert_eq!((used.inputs(), used.outputs()), (0, 0));
        assert!(convert(&used, &noise(6000, 2)) == fresh, "{from} -> {to}");
        // Far out, as after a day of playing, and beyond what can be counted.
        let day = u64::from(to) * 86_400;
        let next = used.seek(day);
        assert_eq!(
            next,
            (u64::from(from) * 86_400 + 1).saturating_sub(converter.half_width().max(1) as u64)
        );
        used.seek(u64::MAX);
        used.process(&[0.5; 100], &mut Vec::new());
    });
}

#[test]
fn an_impulse_lands_on_its_sample_and_rings_the_same_to_both_sides() {
    for_all_ratios(|from, to, converter| {
        // An instant that both streams have a sample at.
        let (inputs, outputs) = reduced(from as usize, to as usize);
        let times = (2 * converter.half_width() / inputs).max(1) + 1;
        let mut input = vec![0.0; input_for(converter, 2 * times * outputs + 1)];
        input[times * inputs] = 1.0;
        let output = convert(converter, &input);
        let centre = times * outputs;
        let peak = (0..output.len()).max_by(|&a, &b| output[a].total_cmp(&output[b])).unwrap();
        assert_eq!(peak, centre, "{from} -> {to}");
        let exact =
            if from == to { 1.0 } else { 0.967 * f64::from(to.min(from)) / f64::from(from) };
        assert!((f64::from(output[peak]) / exact - 1.0).abs() < 1e-3, "{} {exact}", output[peak]);
        for n in 1..=centre.min(output.len() - 1 - centre) {
            let (before, after) = (output[centre - n], output[centre + n]);
            assert!((before - after).abs() <= 2e-7 * output[peak], "{from} -> {to}: {n}");
        }
        // What the filter does not reach is silence: it ends after its half width.
        let reach = converter.half_width() * outputs / inputs + 1;
        assert!(output[centre + reach..].iter().all(|&x| x == 0.0), "{from} -> {to}");
    });
}

#[test]
fn sines_keep_their_level_and_time() {
    let (mut ripple, mut noise_ratio, mut late) = (0.0f64, f64::INFINITY, 0.0f64);
    for_all_ratios(|from, to, converter| {
        if from == to {
            return;
        }
        let nyquist = f64::from(from.min(to)) / 2.0;
        let outputs = to as usize / 5 + converter.max_output(2 * converter.half_width());
        let length = input_for(converter, outputs);
        for part in [0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.88, 0.9] {
            let hertz = nyquist * part;
            let output = convert(converter, &sine(from, hertz, 1.0, length));
            let found = settled(converter, &output);
            let start = output.len() - found.len();
            let expected = sine(to, hertz, 1.0, output.len());
            let ratio = snr(&expected[start..], found);
            let (gain, delay) = gain_and_delay(found, start, to, hertz);
            let delay = delay * f64::from(from.min(to)) / f64::from(to);
            ripple = ripple.max(gain.abs());
            noise_ratio = noise_ratio.min(ratio);
            late = late.max(delay.abs());
        }
    });
    println!("ripple {ripple:.6} dB, SNR {noise_ratio:.1} dB, delay {late:e} samples");
    assert!(ripple < 1e-4, "{ripple}");
    assert!(noise_ratio > 102.0, "{noise_ratio}");
    assert!(late < 1e-4, "{late}");
}

#[test]
fn what_would_alias_or_mirror_is_removed() {
    for_all_ratios(|from, to, converter| {
        if from == to {
            return;
        }
        let outputs = to as usize / 5 + converter.max_output(2 * converter.half_width());
        let length = input_for(converter, outputs);
        let lower = f64::from(from.min(to)) / 2.0;
        let higher = f64::from(from.max(to)) / 2.0;
        for part in [1.035, 1.05, 1.1, 1.3, 1.7, 1.9, 2.5, 3.3] {
            let stopped = lower * part;
            if stopped >= higher {
                continue;
            }
            let loudest = if from > to {
                let output = convert(converter, &sine(from, stopped, 1.0, length));
                level(settled(converter, &output))
            } else {
                // The mirror image of a sine that is below the lower Nyquist frequency.
                let turns = stopped / f64::from(from);
                let hertz = (turns - turns.round()).abs() * f64::from(from);
                let output = convert(converter, &sine(from, hertz, 1.0, length));
                let found = settled(converter, &output);
                gain_and_delay(found, output.len() - found.len(), to, stopped).0
            };
            println!("{from} -> {to}, {part}: {loudest:.1} dB");
            assert!(loudest < -104.0, "{from} -> {to}, {part}: {loudest} dB");
        }
    });
}

#[test]
fn a_constant_stays_the_same_constant() {
    for_all_ratios(|from, to, converter| {
        let length = input_for(converter, 8000 + converter.max_output(2 * converter.half_width()));
        let output = convert(converter, &vec![0.75; length]);
        for &sample in settled(converter, &output) {
            assert!((sample / 0.75 - 1.0).abs() < 1e-6, "{from} -> {to}: {sample}");
        }
    });
}

#[test]
fn results_do_not_depend_on_denormals() {
    let tiny: Vec<f32> = noise(4000, 4).iter().map(|x| x * 1e-38).collect();
    for_all_ratios(|from, to, converter| {
        let output = convert(converter, &tiny);
        if from != to {
            assert!(output.iter().all(|x| *x == 0.0 || x.is_normal()), "{from} -> {to}");
        }
    });
}
