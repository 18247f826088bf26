//! The small core of the corpus: kinds of files that were once read wrong, against the signal they were made from.

use std::path::PathBuf;

use residue_media::audio::{DecodedFile, ReadWarning, read};

use crate::signals::{largest_error, snr};

/// How exactly a file holds the signal.
enum Exact {
    /// To a step of this size.
    Step(f32),
    /// To this signal-to-noise ratio in decibels, at the place and of the length that the file states.
    Aligned(f64),
    /// To this ratio behind an encoder's delay, which the file does not state.
    Late(f64),
}

use Exact::{Aligned, Late, Step};

const STEP_16: f32 = 1.0 / 32_768.0;
const STEP_24: f32 = 1.0 / 8_388_608.0;

/// Speakers of the layouts, as bits of a WAVE mask.
const MONO: u32 = 4;
const STEREO: u32 = 3;
const QUAD: u32 = 0x33;
const FIVE_ONE: u32 = 0x3F;
const SEVEN_ONE: u32 = 0x63F;

#[rustfmt::skip]
const CORE: &[(&str, u32, usize, u32, Exact)] = &[
    ("s24be-6.mov", 8_000, 6, FIVE_ONE, Step(STEP_24)),
    ("s32le.mov", 8_000, 2, STEREO, Step(STEP_24)),
    ("f32be.mov", 8_000, 2, STEREO, Step(STEP_24)),
    ("f64le.mov", 8_000, 1, MONO, Step(STEP_24)),
    ("sowt.mov", 8_000, 2, STEREO, Step(STEP_16)),
    ("mulaw-6.mov", 8_000, 6, FIVE_ONE, Aligned(35.0)),
    ("alaw.mov", 8_000, 1, MONO, Aligned(35.0)),
    ("alac.mov", 44_100, 2, STEREO, Step(STEP_16)),
    ("aac-96k.m4a", 96_000, 1, MONO, Aligned(20.0)),
    ("aac-44k.m4a", 44_100, 2, STEREO, Aligned(20.0)),
    ("mp3.mp4", 44_100, 2, STEREO, Aligned(20.0)),
    ("fragmented.mp4", 44_100, 1, MONO, Late(20.0)),
    ("vorbis-3.ogg", 44_100, 3, 7, Aligned(15.0)),
    ("vorbis-quad.ogg", 44_100, 4, QUAD, Aligned(15.0)),
    ("vorbis-5.1.ogg", 44_100, 6, FIVE_ONE, Aligned(15.0)),
    ("vorbis-7.1.ogg", 44_100, 8, SEVEN_ONE, Aligned(15.0)),
    ("f32.caf", 8_000, 2, STEREO, Step(STEP_24)),
    ("s16le-4.caf", 8_000, 4, QUAD, Step(STEP_16)),
    ("sowt.aifc", 8_000, 2, STEREO, Step(STEP_16)),
    ("f32.aifc", 8_000, 1, MONO, Step(STEP_24)),
    ("wave64.w64", 8_000, 2, STEREO, Step(STEP_16)),
    ("rf64.wav", 8_000, 2, STEREO, Step(STEP_24)),
    ("ms-adpcm.wav", 22_050, 2, STEREO, Aligned(25.0)),
    ("ima-adpcm.wav", 22_050, 1, MONO, Aligned(25.0)),
    ("live.mkv", 8_000, 2, STEREO, Step(STEP_16)),
    ("s16be.mkv", 8_000, 2, STEREO, Step(STEP_16)),
    ("mono-24k.mp3", 24_000, 1, MONO, Aligned(20.0)),
    ("stereo-44k.mp3", 44_100, 2, STEREO, Aligned(20.0)),
    ("bare-44k.mp3", 44_100, 2, STEREO, Late(20.0)),
];

pub fn core_file(name: &str) -> PathBuf {
    crate::audio_read::fixture("core").join(name)
}

/// Returns `length` samples of a channel of the signal.
pub fn tone(channel: usize, rate: u32, length: usize) -> Vec<f32> {
    crate::signals::sine(rate, (300 + 170 * channel) as f64, 0.4, length)
}

fn read_core(name: &str) -> DecodedFile {
    read(&core_file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_core_of_the_corpus_is_right() {
    for (name, rate, channels, speakers, exact) in CORE {
        let decoded = read_core(name);
        let audio = &decoded.audio;
        assert_eq!(decoded.warnings, [], "{name}");
        assert_eq!((audio.rate, audio.channels.len()), (*rate, *channels), "{name}");
        assert_eq!(audio.speakers.bits(), *speakers, "{name}");
        let length = *rate as usize / 10;
        for (channel, found) in audio.channels.iter().enumerate() {
            let expected = tone(channel, *rate, length);
            match exact {
                Step(step) => {
                    assert_eq!(found.len(), length, "{name}");
                    let error = largest_error(&expected, found);
                    assert!(error <= *step, "{name}, channel {channel}: {error}");
                }
                // Encoders cut the low frequency channel off below its tone.
                Aligned(_) if channel == 3 && name.starts_with("vorbis") && *channels > 4 => {}
                Aligned(least) => {
                    // Lossy containers may count the last packet as full.
                    assert!(
                        (length..length + 2048).contains(&found.len()),
                        "{name}: {}",
                        found.len()
                    );
                    let ratio = middle_snr(&expected, found, 0);
                    assert!(ratio > *least, "{name}, channel {channel}: {ratio} dB");
                }
                Late(least) => {
                    let best = (0..found.len() - length)
                        .map(|delay| middle_snr(&expected, found, delay))
                        .fold(f64::NEG_INFINITY, f64::max);
                    assert!(best > *least, "{name}, channel {channel}: {best} dB");
                }
            }
        }
    }
}

/// Returns the signal-to-noise ratio without both ends, where codecs start and stop.
pub fn middle_snr(expected: &[f32], found: &[f32], delay: usize) -> f64 {
    let middle = expected.len() / 4..expected.len() * 3 / 4;
    snr(&expected[middle.clone()], &found[middle.start + delay..middle.end + delay])
}

#[test]
fn files_of_the_core_that_are_cut_say_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["s24be-6.mov", "../chained.ogg", "f32.caf", "rf64.wav", "wave64.w64", "f32.aifc"] {
        let bytes = std::fs::read(core_file(name)).unwrap();
        let path = folder.path().join(name.trim_start_matches("../"));
        // The index of a MOV is at its end: moved away, nothing is left.
        std::fs::write(&path, &bytes[..bytes.len() * 6 / 10]).unwrap();
        match read(&path) {
            Ok(decoded) => assert!(
                matches!(decoded.warnings[..], [ReadWarning::Truncated { .. }]),
                "{name}: {:?}",
                decoded.warnings
            ),
            Err(error) => {
                assert_eq!(name, "s24be-6.mov", "{error}");
                assert!(error.to_string().contains("index"), "{error}");
            }
        }
    }
}

#[test]
fn channels_of_ffmpeg_made_files_come_in_the_order_of_wave() {
    let decoded = read_core("s24be-6.mov");
    let vorbis = read_core("vorbis-5.1.ogg");
    assert_eq!(decoded.audio.speakers, vorbis.audio.speakers);
    // Vorbis has the center second, of 640 Hz, and the low frequency channel last.
    let expected = tone(2, 44_100, 4410);
    assert!(middle_snr(&expected, &vorbis.audio.channels[2], 0) > 15.0);
}
