//! Recordings.

use std::path::{Path, PathBuf};

use residue_app::studio::{RecordOptions, Severity};
use residue_engine::audio;
use residue_engine::live::ListeningSource;
use residue_engine::tokens::npy;

use super::harness::{BLOCK, FRAME, RATE, StudioHarness, differs, roundtrip, settings, voice};

fn read(folder: &Path, name: &str) -> Vec<Vec<f32>> {
    audio::read(&folder.join(name)).unwrap().audio.channels
}

/// All of a file, recorded: dry is the file, A and B are its roundtrips, heard is what was chosen
/// (whatever volume and mute are), and the codes are those of `residue encode`.
#[test]
fn a_recording_holds_every_lane_and_the_codes() {
    for channels in [1, 2] {
        let mut harness = StudioHarness::new(RATE, |options| {
            options.settings = settings(ListeningSource::DryMinusA, [8, 2])
        });
        let input: Vec<Vec<f32>> =
            (0..channels).map(|seed| voice(RATE, 30_123, seed + 1)).collect();
        let path = harness.file("voice.wav", RATE, &input);
        harness.open(&path);
        harness.studio.set_volume_db(-20.0);
        let folder = harness.path("take/one");
        harness.studio.record(RecordOptions { folder: folder.clone() });
        harness.until("it records", |studio| studio.recording().is_some());
        harness.studio.play();
        let latency = harness.latency();
        harness.play(latency + 30_123 + 2 * BLOCK);
        harness.until("all is written", |studio| {
            studio.recording().is_some_and(|recording| recording.milliseconds == 1255)
        });
        assert_eq!(harness.studio.recording().unwrap().dropped_samples, 0);
        harness.studio.stop_recording();
        // The audio thread ends it with its next block.
        harness.play(BLOCK);
        harness.notice(Severity::Info, "recorded 1.3 s");
        harness.until("it has ended", |studio| studio.recording().is_none());

        let (codes, decoded) = roundtrip(RATE, &input, &[8, 2]);
        for (channel, input) in input.iter().enumerate() {
            let of = |name: &str| read(&folder, name)[channel].clone();
            let (a, b) = (&decoded[0].channels[channel], &decoded[1].channels[channel]);
            assert_eq!(differs(&of("dry.wav"), input), None);
            assert_eq!(differs(&of("a.wav"), a), None);
            assert_eq!(differs(&of("b.wav"), b), None);
            let left: Vec<f32> = input.iter().zip(a).map(|(dry, a)| dry - a).collect();
            assert_eq!(differs(&of("heard.wav"), &left), None);
        }
        let names: &[&str] =
            if channels == 1 { &["codes.npy"] } else { &["codes-left.npy", "codes-right.npy"] };
        for (name, codes) in names.iter().zip(&codes) {
            assert_eq!(&npy::read(&folder.join(name)).unwrap(), codes, "{name}");
        }

        // Nothing is written over.
        harness.studio.record(RecordOptions { folder });
        harness.notice(Severity::Error, "already holds");
    }
}

/// A recording that begins in the middle holds the frames that begin in it.
#[test]
fn a_recording_may_begin_and_end_anywhere() {
    let mut harness =
        StudioHarness::new(RATE, |options| options.settings = settings(ListeningSource::A, [8, 2]));
    let input = vec![voice(RATE, 60_000, 1)];
    let path = harness.file("voice.wav", RATE, &input);
    harness.open(&path);
    harness.studio.play();
    let latency = harness.latency();
    harness.play(41 * BLOCK);
    let folder = harness.path("take");
    harness.studio.record(RecordOptions { folder: folder.clone() });
    harness.until("it records", |studio| studio.recording().is_some());
    harness.play(37 * BLOCK);
    harness.studio.stop_recording();
    harness.play(BLOCK);
    harness.notice(Severity::Info, "recorded");
    let (codes, decoded) = roundtrip(RATE, &input, &[8]);
    let first = 41 * BLOCK - latency;
    let a = read(&folder, "a.wav").remove(0);
    assert_eq!(a.len(), 37 * BLOCK);
    assert_eq!(differs(&a, &decoded[0].channels[0][first..first + a.len()]), None);
    assert_eq!(read(&folder, "heard.wav")[0], a);
    let frames = first.div_ceil(FRAME)..(first + a.len()).div_ceil(FRAME);
    assert_eq!(npy::read(&folder.join("codes.npy")).unwrap(), codes[0].slice(frames));
}

/// Plays a voice and records it from its beginning: the voice, the latency, and the recording's folder.
fn record_a_voice(harness: &mut StudioHarness) -> (Vec<Vec<f32>>, usize, PathBuf) {
    let input = vec![voice(RATE, 60_000, 1)];
    let path = harness.file("voice.wav", RATE, &input);
    harness.open(&path);
    harness.studio.play();
    let latency = harness.latency();
    let folder = harness.path("take");
    harness.studio.record(RecordOptions { folder: folder.clone() });
    harness.until("it records", |studio| studio.recording().is_some());
    (input, latency, folder)
}

/// The reason that ends a recording is reported, and the recording is kept.
#[test]
fn lost_devices_end_a_recording_well() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    harness.studio.record(RecordOptions { folder: harness.path("early") });
    harness.notice(Severity::Error, "no sound is running");
    let (input, latency, folder) = record_a_voice(&mut harness);
    harness.play(30 * BLOCK);
    harness.devices.set_present(false);
    harness.notice(Severity::Warning, "the recording ended");
    let dry = read(&folder, "dry.wav").remove(0);
    assert_eq!(dry.len(), 30 * BLOCK - latency);
    assert_eq!(differs(&dry, &input[0][..dry.len()]), None);
}

/// Whoever closes the window in the middle of a recording has all of it until then.
#[test]
fn a_studio_that_goes_finishes_its_recording() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let (input, latency, folder) = record_a_voice(&mut harness);
    harness.play(50 * BLOCK);
    let StudioHarness { studio, .. } = harness;
    drop(studio);
    let dry = read(&folder, "dry.wav").remove(0);
    assert_eq!(dry.len(), 50 * BLOCK - latency);
    assert_eq!(differs(&dry, &input[0][..dry.len()]), None);
    let (codes, _) = roundtrip(RATE, &input, &[8]);
    let written = npy::read(&folder.join("codes.npy")).unwrap();
    assert_eq!(written, codes[0].slice(0..dry.len().div_ceil(FRAME)));
}

/// A process that is killed in the middle of a recording leaves files that can be read.
#[test]
fn a_recording_is_readable_while_it_grows() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let (input, latency, folder) = record_a_voice(&mut harness);
    harness.play(50 * BLOCK);
    let expected = 50 * BLOCK - latency;
    harness.until("headers state it", |_| {
        let codes = npy::read(&folder.join("codes.npy"));
        let is_whole =
            |name| audio::read(&folder.join(name)).is_ok_and(|file| file.audio.len() == expected);
        codes.is_ok_and(|codes| codes.frames() == expected.div_ceil(FRAME))
            && ["heard.wav", "dry.wav", "a.wav", "b.wav"].into_iter().all(is_whole)
    });
    assert!(harness.studio.recording().is_some());
    let dry = read(&folder, "dry.wav").remove(0);
    assert_eq!(differs(&dry, &input[0][..expected]), None);
    let (codes, _) = roundtrip(RATE, &input, &[8]);
    let written = npy::read(&folder.join("codes.npy")).unwrap();
    assert_eq!(written, codes[0].slice(0..written.frames()));
}
