//! Opus against libopus: packets and decoded samples that `libopus/make_fixtures.py` has written.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use opus_pure::{OggOpusReader, OpusDecoder};
use residue_conventional::{ConventionalCodec, OpusApplication, OpusSettings};
use residue_media::audio;

/// The part of the clips that is coded, and the samples of it that the fixtures keep.
const FIRST: usize = 48_000;
const SAMPLES: usize = 96_000;
const STRIDE: usize = 61;
const FRAME: usize = 960;
const LOOK_AHEAD: usize = 312;

const BITRATES: [u32; 4] = [6, 12, 24, 64];

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// The samples of a clip, taken as if they were at 48 kHz.
fn clip(name: &str) -> Vec<Vec<f32>> {
    let file = here(&format!("../../assets/clips/{name}.flac"));
    let audio = audio::read(&file).unwrap().audio;
    audio.channels.iter().map(|plane| plane[FIRST..FIRST + SAMPLES].to_vec()).collect()
}

/// The samples that the fixtures keep: channels interleaved.
fn kept(planes: &[Vec<f32>]) -> Vec<f64> {
    (0..SAMPLES)
        .step_by(STRIDE)
        .flat_map(|n| planes.iter().map(move |plane| f64::from(plane[n])))
        .collect()
}

/// The samples that libopus decodes of its own packets.
fn libopus(name: &str, kbps: u32) -> Vec<f64> {
    let bytes = std::fs::read(here(&format!("tests/libopus/{name}-{kbps}.f32"))).unwrap();
    let samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    samples.map(f64::from).collect()
}

fn packets(name: &str, kbps: u32) -> Vec<Vec<u8>> {
    let file = File::open(here(&format!("tests/libopus/{name}-{kbps}.opus"))).unwrap();
    let mut reader = OggOpusReader::new(BufReader::new(file)).unwrap();
    std::iter::from_fn(|| reader.read_packet().unwrap().map(|packet| packet.data)).collect()
}

fn kbps_of(bytes: usize, packets: usize) -> f64 {
    bytes as f64 * 8.0 / (packets as f64 * 20.0)
}

fn si_sdr(reference: &[f64], other: &[f64]) -> f64 {
    assert_eq!(reference.len(), other.len());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = dot(reference, other) / dot(reference, reference);
    let target = scale * scale * dot(reference, reference);
    let error: f64 = reference.iter().zip(other).map(|(r, o)| (o - scale * r).powi(2)).sum();
    10.0 * (target / error.max(1e-30)).log10()
}

fn decoded(packets: &[Vec<u8>], channels: usize) -> Vec<Vec<f32>> {
    let mut decoder = OpusDecoder::new(48_000, channels).unwrap();
    let mut planes = vec![Vec::new(); channels];
    for packet in packets {
        let mut frame = vec![0.0; FRAME * channels];
        decoder.decode(packet, FRAME, &mut frame).unwrap();
        for (c, plane) in planes.iter_mut().enumerate() {
            plane.extend(frame[c..].iter().step_by(channels));
        }
    }
    planes.iter_mut().for_each(|plane| drop(plane.drain(..LOOK_AHEAD)));
    planes
}

/// The clip through our stream, aligned, and the bitrate that it took.
fn coded(clip: &[Vec<f32>], kbps: u32, application: OpusApplication) -> (Vec<Vec<f32>>, f64) {
    let codec = ConventionalCodec::Opus(OpusSettings::new(f64::from(kbps), application));
    let format = codec.format();
    let mut stream = codec.stream(clip.len()).unwrap();
    let mut planes = vec![Vec::new(); clip.len()];
    let (mut bytes, mut count) = (0, 0);
    let mut output = vec![0.0; FRAME * clip.len()];
    for start in (0..SAMPLES + format.delay).step_by(FRAME) {
        let part = |plane: &Vec<f32>| {
            let at = |n: usize| plane.get(n).copied().unwrap_or(0.0);
            (start..start + FRAME).map(at).collect::<Vec<_>>()
        };
        let input: Vec<f32> = clip.iter().flat_map(part).collect();
        bytes += stream.process(&input, false, &mut output).unwrap();
        count += 1;
        planes.iter_mut().zip(output.chunks(FRAME)).for_each(|(to, from)| to.extend(from));
    }
    planes.iter_mut().for_each(|plane| drop(plane.drain(..format.delay)));
    (planes, kbps_of(bytes, count))
}

#[test]
fn packets_of_libopus_decode_as_libopus_decodes_them() {
    for (name, channels) in [("speech", 1), ("music", 2)] {
        for kbps in BITRATES {
            let ours = kept(&decoded(&packets(name, kbps), channels));
            let agreement = si_sdr(&libopus(name, kbps), &ours);
            println!("{name} {kbps}: {agreement:.1} dB");
            // The reference stands for floats; its decoder sums in another order.
            assert!(agreement > 60.0, "{name} at {kbps} kbps: {agreement} dB");
        }
    }
}

#[test]
fn the_encoder_is_as_close_to_the_original_as_libopus_at_its_bitrate() {
    for (name, application) in
        [("speech", OpusApplication::Voice), ("music", OpusApplication::Audio)]
    {
        let original = clip(name);
        let all = kept(&original);
        for kbps in BITRATES {
            let (ours, rate) = coded(&original, kbps, application);
            let theirs = packets(name, kbps);
            let their_rate = kbps_of(theirs.iter().map(Vec::len).sum(), theirs.len());
            let (ours, theirs) = (kept(&ours), libopus(name, kbps));
            let [our_sdr, their_sdr] = [&ours, &theirs].map(|signal| si_sdr(&all, signal));
            let agreement = si_sdr(&theirs, &ours);
            println!(
                "{name} {kbps}: {rate:.1} kbps, libopus {their_rate:.1}; SI-SDR {our_sdr:.2}, libopus {their_sdr:.2}; of both {agreement:.1} dB"
            );
            assert!((rate / their_rate - 1.0).abs() < 0.1, "{name} {kbps}: {rate}, {their_rate}");
            assert!(our_sdr > their_sdr - 1.0, "{name} {kbps}: {our_sdr}, {their_sdr}");
        }
    }
}
