//! Models that fail, and others that take their place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use residue_engine::audio::MonoTreatment;
use residue_engine::live::{
    Allowance, AudioPort, ListeningSource, OpenError, PortConfig, PortControl, PortHealth,
    PortSettings, ProcessorError, open_port,
};

use super::support::{Identity, difference, noise, offline, play};

const RATE: u32 = 24_000;
const FRAME: usize = 480;

fn identity() -> Identity {
    Identity::new(RATE, 1, FRAME)
}

fn negative() -> Identity {
    identity().with(|_, audio| {
        audio.iter_mut().for_each(|x| *x = -*x);
        Ok(())
    })
}

/// Plays `frames` frames of noise offline; returns input and output, aligned.
fn played(port: &mut AudioPort, seed: u64, frames: usize) -> (Vec<f32>, Vec<f32>) {
    let latency = port.latency().total();
    let input = noise(seed, frames * FRAME, 0.5);
    let out = play(port, std::slice::from_ref(&input), latency, std::iter::repeat(100)).remove(0);
    (input, out[latency..].to_vec())
}

/// Plays until the health is the wanted one.
fn play_until(port: &mut AudioPort, control: &PortControl, wanted: impl Fn(&PortHealth) -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !wanted(&control.status().health) {
        assert!(Instant::now() < end, "{:?}", control.status());
        played(port, 1, 1);
    }
}

/// Fails once it is broken.
type Fail = fn(&AtomicBool) -> Result<(), ProcessorError>;

#[test]
fn a_model_that_fails_leaves_dry_audio_and_says_why_and_can_be_replaced() {
    let fails: [Fail; 2] = [
        |broken| match broken.load(Ordering::Relaxed) {
            true => Err(ProcessorError::new("no more tea")),
            false => Ok(()),
        },
        |broken| {
            assert!(!broken.load(Ordering::Relaxed), "no more tea");
            Ok(())
        },
    ];
    for fail in fails {
        let broken = Arc::new(AtomicBool::new(false));
        let inner = Arc::clone(&broken);
        let model = negative().with(move |_, audio| {
            audio.iter_mut().for_each(|x| *x = -*x);
            fail(&inner)
        });
        let (mut port, control) = offline(&PortConfig::new(RATE, 1, 100), &model);
        let (input, out) = played(&mut port, 1, 20);
        assert!(difference(&out, &input.iter().map(|x| -x).collect::<Vec<_>>()) == 0.0);
        assert_eq!(control.status().health, PortHealth::Running);

        broken.store(true, Ordering::Relaxed);
        play_until(&mut port, &control, |health| matches!(health, PortHealth::Failed(_)));
        let PortHealth::Failed(reason) = control.status().health else { unreachable!() };
        assert!(reason.contains("no more tea"), "{reason}");
        played(&mut port, 2, 1);
        let (input, out) = played(&mut port, 3, 20);
        assert!(out == input, "all lanes are dry");
        port.reset();
        assert!(played(&mut port, 3, 20).1 == input, "also after a reset");

        control.change_model(&negative()).unwrap();
        play_until(&mut port, &control, |health| *health == PortHealth::Running);
        played(&mut port, 4, 5);
        let (input, out) = played(&mut port, 5, 20);
        assert!(difference(&out, &input.iter().map(|x| -x).collect::<Vec<_>>()) == 0.0);
    }
}

#[test]
fn a_model_that_needs_more_latency_is_refused_and_the_old_one_goes_on() {
    let (mut port, control) = offline(&PortConfig::new(RATE, 1, 100), &negative());
    let larger = Identity::new(48_000, 2, 3840);
    match control.change_model(&larger) {
        Err(OpenError::Latency { needed, reported }) => assert!(needed > reported),
        other => panic!("{other:?}"),
    }
    let (input, out) = played(&mut port, 5, 20);
    assert!(difference(&out, &input.iter().map(|x| -x).collect::<Vec<_>>()) == 0.0);

    // One that needs less takes over, as late as the old one.
    let smaller = Identity::new(RATE, 1, 100).with(|_, audio| {
        audio.iter_mut().for_each(|x| *x *= 0.5);
        Ok(())
    });
    control.change_model(&smaller).unwrap();
    let half = |input: &[f32]| input.iter().map(|x| x * 0.5).collect::<Vec<_>>();
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let (input, out) = played(&mut port, 6, 20);
        if difference(&out, &half(&input)) == 0.0 {
            break;
        }
        assert!(Instant::now() < end);
    }
}

/// Of the compute time that was measured of one model nothing follows for another: the ports of a process that
/// measures once and of one that measures each time accept the same models.
#[test]
fn a_measured_allowance_is_no_demand_on_other_models() {
    let longer = Identity::new(RATE, 1, 4 * FRAME);
    let open = |allowance| {
        let config = PortConfig { allowance, ..PortConfig::new(RATE, 1, 100) };
        open_port(&config, &identity()).unwrap()
    };
    let (port, control) = open(Allowance::Measured(8 * FRAME));
    assert_eq!(port.latency().allowance, 8 * FRAME);
    control.change_model(&longer).unwrap();
    // Asked for by the user, the allowance is for every model.
    let (_port, control) = open(Allowance::Samples(8 * FRAME));
    assert!(matches!(control.change_model(&longer), Err(OpenError::Latency { .. })));
}

#[test]
fn what_is_not_finite_becomes_silence_and_is_counted() {
    let model = identity().with(|frames, audio| {
        if frames.first_frame == 3 {
            audio[7] = f32::NAN;
        }
        Ok(())
    });
    let (mut port, control) = offline(&PortConfig::new(RATE, 1, 100), &model);
    let mut input = noise(1, 10 * FRAME, 0.5);
    (input[50], input[60]) = (f32::NAN, f32::NEG_INFINITY);
    let latency = port.latency().total();
    let out = play(&mut port, std::slice::from_ref(&input), latency, std::iter::repeat(100));
    let out = &out[0][latency..];
    (input[50], input[60]) = (0.0, 0.0);
    assert!(out[..3 * FRAME] == input[..3 * FRAME]);
    assert!(out.iter().all(|x| x.is_finite()));
    assert_eq!(control.status().non_finite, [2, 1]);
}

/// Returns a model whose audio from frame 10 to 19 is multiplied by `factor`, 0 for NaN, in lane B only.
fn loud_in_b(factor: f32) -> Identity {
    identity().with(move |frames, audio| {
        let lane = audio.len() / 2;
        for t in 0..frames.count {
            if (10..20).contains(&(frames.first_frame + t as u64)) {
                for x in &mut audio[lane..][t * FRAME..(t + 1) * FRAME] {
                    *x *= if factor == 0.0 { f32::NAN } else { factor };
                }
            }
        }
        Ok(())
    })
}

#[test]
fn lanes_are_limited_at_12_db_and_muted_where_no_sound_is_so_loud() {
    let input: Vec<f32> = noise(1, 100 * FRAME, 0.9);
    let second = RATE as usize;
    for factor in [4.0, 8.0, 1e3, 1e28, 0.0] {
        let (mut port, control) = offline(&PortConfig::new(RATE, 1, 100), &loud_in_b(factor));
        let latency = port.latency().total();
        let lane = |port: &mut AudioPort, source| {
            port.set(&PortSettings { source, ..PortSettings::default() });
            port.reset();
            let input = std::slice::from_ref(&input);
            play(port, input, latency, std::iter::repeat(100)).remove(0)[latency..].to_vec()
        };
        assert!(lane(&mut port, ListeningSource::A) == input, "{factor}: A is as it was");
        assert_eq!(control.muted_lanes(), [false; 2]);
        let b = lane(&mut port, ListeningSource::B);
        let status = control.status();
        assert!(b[..10 * FRAME] == input[..10 * FRAME], "{factor}: not a sample before");
        match factor {
            4.0 => assert!(b[20 * FRAME..] == input[20 * FRAME..]),
            8.0 => {
                let peak = b.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
                assert!((3.9..=4.0).contains(&peak), "{peak}");
                assert!(status.guarded.limited > 0 && status.guarded.muted == 0);
            }
            _ => {
                let end = 19 * FRAME + second;
                assert!(b[10 * FRAME..end].iter().all(|x| *x == 0.0), "{factor}");
                // It returns a second after the last fault.
                let back = 20 * FRAME + second + second / 10;
                assert!(b[back..] == input[back..], "{factor}");
                assert!(status.guarded.muted as usize >= 9 * FRAME + second);
            }
        }
    }
}

#[test]
fn a_mute_is_seen_while_it_lasts_and_ends_with_the_model() {
    let broken = identity().with(|_, audio| {
        audio.fill(1e10);
        Ok(())
    });
    let (mut port, control) = offline(&PortConfig::new(RATE, 1, 100), &broken);
    let (_, out) = played(&mut port, 1, 20);
    assert!(out.iter().all(|x| *x == 0.0), "nothing is heard of it");
    assert_eq!(control.status().muted_lanes, [true; 2]);
    let text = residue_engine::live::muted_lanes_text(control.muted_lanes()).unwrap();
    assert!(text.starts_with("Lanes A and B are muted") && text.contains("24 dB"), "{text}");
    control.change_model(&identity()).unwrap();
    play_until(&mut port, &control, |_| control.muted_lanes() == [false; 2]);
    played(&mut port, 2, 5);
    let (input, out) = played(&mut port, 3, 20);
    assert!(input == out);
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let error = |change: fn(&mut PortConfig)| {
        let mut config = PortConfig::new(48_000, 2, 512);
        change(&mut config);
        open_port(&config, &identity()).err().expect("refused").to_string()
    };
    assert!(error(|c| c.channels = 3).contains("expected 1 or 2"));
    assert!(error(|c| c.channels = 0).contains("expected 1 or 2"));
    assert!(error(|c| c.max_block = 0).contains("blocks"));
    assert!(error(|c| c.max_block = usize::MAX).contains("blocks"));
    assert!(error(|c| c.rate = 999).contains("999"));
    assert!(error(|c| c.rate = 0).contains('0'));
    assert!(error(|c| c.allowance = Allowance::Samples(usize::MAX)).contains("allowance"));
    let bad = identity().with(|_, _| Err(ProcessorError::new("not today")));
    let failed = open_port(&PortConfig::new(48_000, 2, 512), &bad).err().expect("refused");
    assert!(failed.to_string().contains("not today"), "an automatic allowance runs the model");
}

/// Samples are clamped to 80 dB above full scale before the model, so that its state recovers.
#[test]
fn huge_input_does_not_end_the_model() {
    for rate in [24_000, 44_100] {
        let mut config = PortConfig::new(rate, 2, 100);
        config.treatment = MonoTreatment::Mid;
        let (mut port, control) = offline(&config, &super::effects::model());
        let mut loud = noise(1, 5000, 1.0);
        loud[1000..2000].fill(f32::MAX);
        loud[2000..3000].fill(1e30);
        play(&mut port, &[loud.clone(), loud], 0, std::iter::repeat(100));
        let input = vec![noise(2, 5 * rate as usize, 0.3); 2];
        let out = play(&mut port, &input, 0, std::iter::repeat(100));
        assert_eq!(control.status().health, PortHealth::Running);
        assert!(out.iter().flatten().all(|x| x.is_finite()));
        let end = &out[0][4 * rate as usize..];
        let level = (end.iter().map(|x| x * x).sum::<f32>() / end.len() as f32).sqrt();
        assert!((0.02..0.5).contains(&level), "{rate} Hz: {level}");
    }
}

/// A panic anywhere in the model's code fails the model and nothing else.
#[test]
fn a_panic_outside_of_processing_is_contained() {
    struct Rude(Arc<AtomicBool>);
    impl residue_engine::live::LiveModel for Rude {
        fn format(&self) -> residue_engine::live::ModelFormat {
            identity().format
        }
        fn processor(
            &self,
            _: usize,
        ) -> Result<Box<dyn residue_engine::live::FrameProcessor>, ProcessorError> {
            Ok(Box::new(Self(Arc::clone(&self.0))))
        }
    }
    impl residue_engine::live::FrameProcessor for Rude {
        fn process(
            &mut self,
            frames: &residue_engine::live::FrameBatch<'_>,
            out: &mut residue_engine::live::DecodedFrames,
        ) -> Result<(), ProcessorError> {
            out.audio = [frames.planes[0], frames.planes[0]].concat();
            Ok(())
        }
        fn reset(&mut self) {
            assert!(!self.0.load(Ordering::Relaxed), "no more resets");
        }
    }
    let rude = Arc::new(AtomicBool::new(false));
    let (mut port, control) = offline(&PortConfig::new(RATE, 1, 100), &Rude(Arc::clone(&rude)));
    played(&mut port, 1, 5);
    rude.store(true, Ordering::Relaxed);
    port.reset();
    play_until(
        &mut port,
        &control,
        |health| matches!(health, PortHealth::Failed(reason) if reason.contains("no more resets")),
    );
    played(&mut port, 1, 1);
    let (input, out) = played(&mut port, 2, 5);
    assert!(input == out);
    control.change_model(&identity()).unwrap();
    play_until(&mut port, &control, |health| *health == PortHealth::Running);

    // Nor does it take the thread that opens a port.
    let bad = identity().with(|_, _| panic!("never"));
    let failed = open_port(&PortConfig::new(RATE, 1, 100), &bad).err().expect("refused");
    assert!(failed.to_string().contains("it panicked: never"), "{failed}");
}

/// An automatic allowance was measured once; a slower model of the same shape must not be refused for
/// it.
#[test]
fn a_model_of_the_same_shape_is_never_refused() {
    let (port, control) = open_port(&PortConfig::new(RATE, 1, 64), &identity()).unwrap();
    assert!(port.latency().allowance >= 64);
    let slow = identity().with(|_, _| {
        std::thread::sleep(Duration::from_millis(30));
        Ok(())
    });
    control.change_model(&slow).unwrap();
}

/// A model that returns the wrong number of samples fails, and shifts nothing.
#[test]
fn a_model_that_gives_the_wrong_amount_fails() {
    struct Short;
    impl residue_engine::live::LiveModel for Short {
        fn format(&self) -> residue_engine::live::ModelFormat {
            identity().format
        }
        fn processor(
            &self,
            _: usize,
        ) -> Result<Box<dyn residue_engine::live::FrameProcessor>, ProcessorError> {
            Ok(Box::new(Self))
        }
    }
    impl residue_engine::live::FrameProcessor for Short {
        fn process(
            &mut self,
            _: &residue_engine::live::FrameBatch<'_>,
            out: &mut residue_engine::live::DecodedFrames,
        ) -> Result<(), ProcessorError> {
            out.audio = vec![0.0; 7];
            Ok(())
        }
        fn reset(&mut self) {}
    }
    let (mut port, control) = offline(&PortConfig::new(RATE, 1, 100), &Short);
    port.set(&PortSettings { source: ListeningSource::B, ..PortSettings::default() });
    play_until(
        &mut port,
        &control,
        |health| matches!(health, PortHealth::Failed(reason) if reason.contains("7 samples")),
    );
}
