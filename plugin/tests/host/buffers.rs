//! What hosts put in buffers, and how they lay them out.

use std::time::{Duration, Instant};

use clack_extensions::audio_ports::AudioPortFlags;
use clack_extensions::tail::TailLength;

use crate::rig::{ClapRig, Port, Random, noise};

/// All that hosts offer, and what lies beyond.
const RATES: [u32; 10] =
    [8000, 11_025, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000, 384_000, 768_000];
/// The largest block.
const LARGEST: usize = 16_384;

fn repeat(block: usize) -> impl Iterator<Item = usize> {
    std::iter::repeat(block)
}

/// Samples are of 32 bits, and hosts are told so.
#[test]
fn ports_take_32_bits_and_may_be_in_place() {
    let mut rig = ClapRig::new();
    for (layout, inputs, outputs) in [(0, 2, 2), (1, 1, 1), (2, 1, 2)] {
        rig.layout(layout, inputs, outputs);
        for (input, channels) in [(true, inputs), (false, outputs)] {
            let expected = Port {
                channels: channels as u32,
                flags: AudioPortFlags::IS_MAIN,
                in_place: inputs == outputs,
            };
            assert_eq!(rig.ports(input), [expected]);
        }
    }
}

/// A host that sends 64 bits all the same gets nothing, and goes on.
#[test]
fn numbers_of_64_bits_are_survived() {
    let mut rig = ClapRig::offline(48_000, 512);
    let input = vec![noise(1, 4000, 0.2), noise(2, 4000, 0.2)];
    let before = rig.play(&input, 3000, repeat(512), &[]);
    assert!(rig.play_64_bits(512).iter().flatten().all(|x| x.is_finite()));
    rig.reset();
    assert!(rig.play(&input, 3000, repeat(512), &[]) == before);
}

/// Outputs in the place of inputs sound as outputs beside them.
#[test]
fn buffers_in_place_and_apart_sound_the_same() {
    for (layout, channels) in [(0, 2), (1, 1)] {
        let run = |in_place: bool| {
            let mut rig = ClapRig::new();
            rig.layout(layout, channels, channels);
            rig.in_place = in_place;
            rig.set_offline(true);
            rig.start(44_100, 512);
            let input: Vec<_> = (0..channels as u64).map(|n| noise(n + 1, 20_000, 0.4)).collect();
            let changes = [
                rig.change(3000, "Listen", "Dry"),
                rig.change(6001, "Listen", "Dry-A"),
                rig.change(9002, "Bypass", "On"),
                rig.change(12_003, "Bypass", "Off"),
            ];
            rig.play(&input, 3000, [512, 1, 77].into_iter().cycle(), &changes)
        };
        let apart = run(false);
        assert!(apart.iter().flatten().any(|x| x.abs() > 0.01));
        assert!(run(true) == apart, "{channels} channels");
    }
}

/// At every rate, blocks of random sizes give what blocks of one size give, bit for bit.
#[test]
fn random_blocks_at_every_rate() {
    let mut random = Random(5);
    for rate in RATES {
        let length = rate as usize / 8 + LARGEST + 13;
        let input = vec![noise(1, length, 0.3), noise(2, length, 0.3)];
        let run = |blocks: &mut dyn FnMut() -> usize| {
            let mut rig = ClapRig::offline(rate, LARGEST);
            let latency = rig.latency();
            rig.play(&input, latency, std::iter::from_fn(|| Some(blocks())), &[])
        };
        let expected = run(&mut || LARGEST);
        assert!(expected[0].iter().any(|x| x.abs() > 0.001));
        // As many small blocks as large ones.
        let blocks = &mut || (LARGEST as f64).powf(random.next()).ceil() as usize;
        assert!(run(blocks) == expected, "{rate} Hz");
    }
}

/// Blocks larger than the host had announced are processed too.
#[test]
fn larger_blocks_than_announced_are_played() {
    let input = vec![noise(1, 9000, 0.3), noise(2, 9000, 0.3)];
    let expected = ClapRig::offline(48_000, 256).play(&input, 0, repeat(256), &[]);
    assert!(ClapRig::offline(48_000, 256).play(&input, 0, repeat(3000), &[]) == expected);
}

/// What is not a number is silence to the codec, and leaves nothing behind.
#[test]
fn nonsense_counts_as_silence() {
    for listen in ["Dry", "A", "Dry-B"] {
        let mut wrong = vec![noise(9, 12_000, 0.5), noise(10, 12_000, 0.5)];
        let mut right = wrong.clone();
        for (at, odd) in
            [(0, f32::NAN), (100, f32::NAN), (5000, f32::INFINITY), (5001, f32::NEG_INFINITY)]
        {
            wrong[at % 2][at] = odd;
            right[at % 2][at] = 0.0;
        }
        let run = |input: &[Vec<f32>]| {
            let mut rig = ClapRig::new();
            rig.set_offline(true);
            rig.set(&[("Listen", listen)]);
            rig.start(48_000, 512);
            let latency = rig.latency();
            rig.play(input, latency, repeat(512), &[])
        };
        let out = run(&wrong);
        assert!(out.iter().flatten().all(|x| x.is_finite()));
        assert!(out == run(&right), "{listen}");
    }
}

/// The largest numbers that there are do not become infinite.
#[test]
fn huge_numbers_stay_numbers() {
    for listen in ["Dry", "A", "A-B", "Dry-A"] {
        let mut rig = ClapRig::new();
        rig.set_offline(true);
        rig.set(&[("Listen", listen), ("Input gain", "24 dB"), ("Output gain", "0 dB")]);
        rig.start(48_000, 512);
        let mut plane = noise(3, 9000, 0.5);
        plane[1000..1100].fill(1e38);
        plane[2000..2100].fill(f32::MAX);
        let out = rig.play(&[plane.clone(), plane], 4000, repeat(512), &[]);
        assert!(out.iter().flatten().all(|x| x.is_finite()), "{listen}");
    }
}

/// Numbers that are nearly zero cost no more than others, and no lane gives any.
#[test]
fn denormals_neither_slow_down_nor_come_out() {
    let time = |plane: Vec<f32>| {
        let run = || {
            let mut rig = ClapRig::offline(48_000, 512);
            let began = Instant::now();
            let out = rig.play(&[plane.clone(), plane.clone()], 0, repeat(512), &[]);
            assert!(out.iter().flatten().all(|x| !x.is_subnormal()));
            began.elapsed()
        };
        (0..4).map(|_| run()).min().unwrap_or(Duration::MAX)
    };
    let usual = time(noise(4, 24_000, 0.3));
    let tiny = time(noise(4, 24_000, 1e-39));
    assert!(tiny < 3 * usual, "{tiny:?} and usually {usual:?}");
}

/// How the host's thread computes is the host's business, also after a call.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_hosts_arithmetic_stays_as_it_was() {
    /// Flush to zero, denormals are zero.
    const FLUSH: u32 = 0x8040;
    fn control() -> u32 {
        let mut control = 0u32;
        // SAFETY: stores the register where it is told to.
        unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack)) };
        control
    }
    fn set(control: u32) {
        // SAFETY: only whether tiny numbers are flushed differs from what it was.
        unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack)) };
    }
    let mut rig = ClapRig::offline(48_000, 512);
    let (input, usual) = (vec![noise(4, 5000, 0.3); 2], control());
    for flush in [FLUSH, 0] {
        set(usual & !FLUSH | flush);
        rig.play(&input, 0, repeat(512), &[]);
        let after = control();
        set(usual);
        assert_eq!(after & FLUSH, flush);
    }
}

/// Silence is nearly silence, said to be constant or not, and is reached when the tail is over.
#[test]
fn silence_is_silence() {
    let silent = |constant: bool| {
        let mut rig = ClapRig::offline(48_000, 512);
        rig.constant = constant;
        rig.play(&[vec![0.0; 48_000], vec![0.0; 48_000]], 0, repeat(512), &[])
    };
    let silence = silent(false);
    assert!(silent(true) == silence);
    let peak = |audio: &[f32]| audio.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    let floor = peak(&silence[0]);
    assert!(floor < 0.001, "{floor}");

    let mut rig = ClapRig::offline(48_000, 512);
    rig.play(&vec![noise(1, 24_000, 0.5); 2], 0, repeat(512), &[]);
    let TailLength::Finite(tail) = rig.tail() else { panic!("it ends") };
    let tail = tail as usize;
    let out = rig.play(&[vec![0.0; 48_000], vec![0.0; 48_000]], 0, repeat(512), &[]);
    let (during, after) = (peak(&out[0][..tail]), peak(&out[0][tail..]));
    println!("floor {floor}, {during} within the tail of {tail} samples, {after} after it");
    assert!(during > 0.1 && after < 0.01);
}
