//! Streams of conventional codecs: delay, loss, reset, bad settings.

use residue_conventional::{
    CompandingLaw, ConventionalCodec, ConventionalError, OpusApplication, OpusSettings,
};
use residue_engine_testing::SeededNoise;

fn opus(kbps: f64, expected_loss: Option<u8>) -> ConventionalCodec {
    let application = OpusApplication::Audio;
    ConventionalCodec::Opus(OpusSettings { kbps, application, expected_loss })
}

fn all() -> Vec<ConventionalCodec> {
    let mut all = vec![
        opus(6.0, None),
        opus(24.0, None),
        opus(256.0, None),
        opus(16.0, Some(20)),
        ConventionalCodec::G711(CompandingLaw::A),
        ConventionalCodec::G711(CompandingLaw::Mu),
    ];
    all.push(ConventionalCodec::Opus(OpusSettings::new(12.0, OpusApplication::Voice)));
    all
}

/// A voice-like signal: a tone of slowly moving pitch with harmonics.
fn voice(rate: u32, samples: usize) -> Vec<f32> {
    let mut phase = 0.0f64;
    let sample = |n: usize| {
        let seconds = n as f64 / f64::from(rate);
        phase += (150.0 + 20.0 * (seconds * 9.0).sin()) / f64::from(rate);
        let turns = phase * std::f64::consts::TAU;
        let harmonics = (1..8).map(|h| (turns * f64::from(h)).sin() / f64::from(h));
        (0.2 * harmonics.sum::<f64>()) as f32
    };
    (0..samples).map(sample).collect()
}

/// A mono signal through a codec, without compensation of its delay.
fn through(
    codec: ConventionalCodec,
    signal: &[f32],
    is_lost: impl Fn(usize) -> bool,
) -> (Vec<f32>, usize) {
    let frame = codec.format().frame;
    let mut stream = codec.stream(1).unwrap();
    let (mut out, mut bytes) = (vec![0.0; signal.len()], 0);
    for (n, (input, output)) in
        signal.chunks_exact(frame).zip(out.chunks_exact_mut(frame)).enumerate()
    {
        bytes += stream.process(input, is_lost(n), output).unwrap();
    }
    (out, bytes)
}

/// The lag at which two signals agree best, and the agreement (1 is best).
fn lag(signal: &[f32], other: &[f32], most: usize) -> (usize, f64) {
    let agreement = |lag: usize| {
        let pairs =
            || signal.iter().zip(&other[lag..]).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let power = |pick: fn((f64, f64)) -> f64| pairs().map(pick).sum::<f64>();
        power(|(a, b)| a * b) / (power(|(a, _)| a * a) * power(|(_, b)| b * b)).sqrt().max(1e-12)
    };
    let lags = (0..most).map(|lag| (lag, agreement(lag)));
    lags.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

#[test]
fn the_reported_delay_is_the_delay() {
    for codec in all() {
        let format = codec.format();
        let noise = SeededNoise::new(7).samples(format.rate as usize / format.frame * format.frame);
        // Low-passed, so that every codec keeps most of it.
        let mut memory = [0.0f32; 2];
        let smooth = |x: f32| {
            memory[0] += 0.15 * (x - memory[0]);
            memory[1] += 0.15 * (memory[0] - memory[1]);
            memory[1]
        };
        let signal: Vec<f32> = noise.into_iter().map(smooth).collect();
        let (out, _) = through(codec, &signal, |_| false);
        let (found, agreement) = lag(&signal, &out, 2000);
        // Below the highest bitrates, only the waveform's coarse shape is kept, to a few samples.
        let is_coarse = matches!(codec, ConventionalCodec::Opus(settings) if settings.kbps < 100.0);
        let tolerance = if is_coarse { 3 } else { 0 };
        assert!(found.abs_diff(format.delay) <= tolerance, "{codec}: {found} samples, {format:?}");
        assert!(agreement > 0.5, "{codec}: {agreement}");
    }
}

#[test]
fn a_reset_stream_is_a_new_one() {
    for codec in all() {
        for channels in [1, 2] {
            let frame = codec.format().frame;
            let signal = SeededNoise::new(3).samples(frame * channels * 12);
            let mut stream = codec.stream(channels).unwrap();
            let mut pass = || {
                let mut out = vec![0.0; signal.len()];
                let frames = signal.chunks(frame * channels).zip(out.chunks_mut(frame * channels));
                for (n, (input, output)) in frames.enumerate() {
                    stream.process(input, n % 5 == 3, output).unwrap();
                }
                stream.reset();
                out
            };
            assert!(pass() == pass(), "{codec}, {channels} channels");
        }
    }
}

#[test]
fn lost_packets_are_concealed_and_fec_restores_them() {
    let signal = voice(48_000, 960 * 150);
    let energy = |samples: &[f32]| samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    let error = |codec: ConventionalCodec, is_lost: fn(usize) -> bool| {
        let delay = codec.format().delay;
        let (clean, _) = through(codec, &signal, |_| false);
        let (lossy, _) = through(codec, &signal, is_lost);
        let difference: Vec<f32> =
            clean[delay..].iter().zip(&lossy[delay..]).map(|(a, b)| a - b).collect();
        energy(&difference) / energy(&clean[delay..])
    };
    let lost = |n: usize| n % 10 == 7;
    let concealed = error(opus(16.0, None), lost);
    let restored = error(opus(16.0, Some(30)), lost);
    println!("error of every tenth packet lost: {concealed:.4}, with FEC {restored:.4}");
    // A tenth of silence would be an error of about 0.1.
    assert!(concealed < 0.1, "{concealed}");
    assert!(restored < concealed / 2.0, "{restored} against {concealed}");
    assert_eq!(error(opus(64.0, None), |_| false), 0.0);
    // A line that is cut fades out, and comes back.
    let (cut, _) = through(opus(24.0, None), &signal, |n| (50..90).contains(&n));
    let span = |frame: usize| energy(&cut[960 * frame..960 * (frame + 9)]);
    let [before, late, after] = [30, 80, 100].map(span);
    println!("energy before a cut line {before:.1}, late in it {late:.4}, after it {after:.1}");
    assert!(late < 0.1 * before, "{late}, {before}");
    assert!(after > 0.5 * before, "{after}, {before}");
}

#[test]
fn bitrates_are_kept() {
    let signal: Vec<f32> =
        SeededNoise::new(1).samples(960 * 200).into_iter().map(|x| 0.3 * x).collect();
    for kbps in [6.0, 8.5, 12.0, 16.0, 32.0, 64.0, 128.0, 256.0] {
        let (_, bytes) = through(opus(kbps, None), &signal, |_| false);
        let found = bytes as f64 * 8.0 / 4000.0;
        // Speech coding (SILK) saves at noise; `libopus.rs` compares with what libopus takes for clips.
        let least = if kbps < 20.0 { 0.7 } else { 0.9 };
        assert!((least..1.05).contains(&(found / kbps)), "{kbps} kbps: {found}");
    }
    let g711 = ConventionalCodec::G711(CompandingLaw::A);
    assert_eq!(through(g711, &signal[..8000], |_| false).1, 8000);
    assert_eq!(g711.bitrate(2), 128_000.0);
}

#[test]
fn samples_that_are_no_numbers_are_silence() {
    for codec in all() {
        let frame = codec.format().frame;
        let mut stream = codec.stream(1).unwrap();
        let mut out = vec![0.0; frame];
        for sample in [f32::NAN, f32::INFINITY, 1e4, -1e4, 0.1] {
            stream.process(&vec![sample; frame], false, &mut out).unwrap();
            assert!(out.iter().all(|x| x.is_finite()), "{codec}, {sample}");
        }
    }
}

#[test]
fn bad_settings_and_buffers_are_refused() {
    let told = |codec: ConventionalCodec, channels| {
        codec.stream(channels).err().expect("it is refused").to_string()
    };
    for kbps in [5.9, 256.1, 0.0, -12.0, f64::NAN, f64::INFINITY] {
        assert!(told(opus(kbps, None), 1).contains("6 to 256 kbps"), "{kbps}");
    }
    assert!(told(opus(12.0, Some(0)), 1).contains("1 to 100 %"));
    assert!(told(opus(12.0, Some(101)), 1).contains("1 to 100 %"));
    for codec in all() {
        for channels in [0, 3] {
            assert_eq!(
                codec.stream(channels).err(),
                Some(ConventionalError::Channels { channels })
            );
        }
        let frame = codec.format().frame;
        let mut stream = codec.stream(2).unwrap();
        let found = stream.process(&vec![0.0; frame], false, &mut vec![0.0; 2 * frame]);
        assert_eq!(found, Err(ConventionalError::Frame { found: frame, expected: 2 * frame }));
        let found = stream.process(&vec![0.0; 2 * frame], false, &mut []);
        assert_eq!(found, Err(ConventionalError::Frame { found: 0, expected: 2 * frame }));
    }
}

/// FNV-1a, 64 bits.
fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn g711_is_that_of_another_implementation() {
    // Of the codes of all samples, and of the samples of all codes, by `audioop` of Python 3.11:
    // lin2alaw, alaw2lin, lin2ulaw, ulaw2lin.
    for (law, codes, samples) in [
        (CompandingLaw::A, 0xf030_666e_b780_cf25, 0x693a_40ca_62a3_d2a5),
        (CompandingLaw::Mu, 0xd5ee_23f7_d0ff_ae91, 0xb91e_65d6_8481_a1a8),
    ] {
        assert_eq!(hash((i16::MIN..=i16::MAX).map(|sample| law.encode(sample))), codes, "{law}");
        let found = hash((0..=255).flat_map(|code| law.decode(code).to_le_bytes()));
        assert_eq!(found, samples, "{law}");
    }
    assert_eq!(
        [0xD5, 0x55, 0xAA, 0x2A].map(|code| CompandingLaw::A.decode(code)),
        [8, -8, 32_256, -32_256]
    );
    assert_eq!([0xFF, 0x80, 0x00].map(|code| CompandingLaw::Mu.decode(code)), [0, 32_124, -32_124]);
}
