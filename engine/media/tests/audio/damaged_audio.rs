//! Cut, corrupted and hostile files.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use residue_media::audio::{AudioFileError, DecodedFile, ReadWarning, read};

use crate::audio_read::fixture;
use crate::signals::sine;

/// A 16-bit mono WAV header for `declared` bytes of samples, then `samples`.
fn wav(rate: u32, channels: u16, declared: u32, samples: &[i16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend(declared.saturating_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate.wrapping_mul(2 * u32::from(channels))).to_le_bytes());
    bytes.extend((2 * channels).to_le_bytes());
    bytes.extend(16u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(declared.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<DecodedFile, AudioFileError> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read(&path)
}

#[test]
fn a_cut_wav_gives_what_is_there_and_says_so() {
    let decoded = read_bytes("cut.wav", &wav(8000, 1, 2 * 8000, &[1000; 3000])).unwrap();
    assert_eq!(decoded.audio.len(), 3000);
    let [ReadWarning::Truncated { decoded: seconds, declared, .. }] = decoded.warnings[..] else {
        panic!("{:?}", decoded.warnings)
    };
    assert_eq!((seconds, declared), (0.375, Some(1.0)));
    assert!(decoded.warnings[0].to_string().contains("0.375 s"));
}

#[test]
fn every_cut_fixture_is_reported_or_refused() {
    // ffmpeg puts 8 kB of padding in front of FLAC.
    for (name, percent) in [
        ("s16.flac", 85),
        ("s16.aiff", 60),
        ("alac.caf", 60),
        ("alac.m4a", 60),
        ("lame.mp3", 60),
        ("f64.wav", 60),
        ("flac.mkv", 85),
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        let whole = read(&fixture(name)).unwrap().audio.len();
        let result = read_bytes(name, &bytes[..bytes.len() * percent / 100]);
        // The index of these two is at their end.
        if name.starts_with("alac") {
            assert!(result.is_err());
            continue;
        }
        let decoded = result.unwrap();
        assert!(decoded.audio.len() < whole, "{name}");
        // MKV does not count samples, and MP3 ends are within the slack of so short a file.
        if !["flac.mkv", "lame.mp3"].contains(&name) {
            assert!(
                decoded.warnings.iter().any(|w| matches!(
                    w,
                    ReadWarning::Truncated { .. } | ReadWarning::CorruptPackets { .. }
                )),
                "{name}: {} of {whole}, {:?}",
                decoded.audio.len(),
                decoded.warnings
            );
        }
    }
}

#[test]
fn a_header_without_audio_is_an_error() {
    for bytes in [wav(8000, 1, 0, &[]), wav(8000, 1, 16_000, &[])] {
        let error = read_bytes("header.wav", &bytes).unwrap_err();
        assert!(matches!(error, AudioFileError::NothingDecoded { .. }), "{error}");
    }
}

#[test]
fn headers_that_cannot_be_true_are_refused() {
    for (rate, channels) in [(0, 1), (1, 1), (4_000_000_000, 1), (8000, 0)] {
        let error = read_bytes("header.wav", &wav(rate, channels, 2000, &[7; 1000])).unwrap_err();
        assert!(error.to_string().contains("header.wav"), "{error}");
        println!("{rate} Hz, {channels} channels: {error}");
    }
    let error = read_bytes("rate.wav", &wav(4_000_000_000, 1, 2000, &[7; 1000])).unwrap_err();
    assert!(matches!(error, AudioFileError::FileRate { rate: 4_000_000_000, .. }), "{error}");
}

#[test]
fn an_absurd_declared_length_costs_no_memory() {
    // 4 GB declared, 2 kB there: must return at once with those.
    let decoded = read_bytes("huge.wav", &wav(8000, 1, 4_000_000_000, &[7; 1000])).unwrap();
    assert_eq!(decoded.audio.len(), 1000);
    assert!(decoded.audio.channels[0].capacity() < 1 << 20);
    assert!(matches!(decoded.warnings[..], [ReadWarning::Truncated { .. }]));
}

#[test]
fn a_damaged_packet_is_left_out_and_counted() {
    let mut bytes = fs::read(fixture("lame.mp3")).unwrap();
    // Zeroes in the side information of a frame in the middle.
    let sync = [0xFF, 0xFB];
    let middle = bytes.len() / 2;
    let frame = middle + bytes[middle..].windows(2).position(|w| w == sync).unwrap();
    bytes[frame + 4..frame + 40].fill(0xFF);
    let decoded = read_bytes("damaged.mp3", &bytes).unwrap();
    assert!(
        decoded.warnings.iter().any(|w| matches!(w, ReadWarning::CorruptPackets { count: 1.. })),
        "{:?}",
        decoded.warnings
    );
    assert!(decoded.audio.len() > 4000);
}

#[test]
fn samples_that_are_not_numbers_become_silence_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for value in [0.5, f32::NAN, 1.75, f32::INFINITY, f32::NEG_INFINITY, -3.0] {
        writer.write_sample(value).unwrap();
    }
    writer.finalize().unwrap();
    let decoded = read(Path::new(&path)).unwrap();
    assert_eq!(decoded.audio.channels, [[0.5, 0.0, 1.75, 0.0, 0.0, -3.0]]);
    assert_eq!(decoded.warnings, [ReadWarning::NonFinite { count: 3 }]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    /// Any damage gives a result or an error in bounded time; what is read is always whole.
    #[test]
    fn damage_anywhere_is_survived(
        name in prop::sample::select(vec![
            "s16.flac", "alac.m4a", "alac.caf", "lame.mp3", "aac.m4a", "aac.aac", "vorbis.ogg",
            "vorbis.webm", "flac.mkv", "s16.aiff", "mulaw.wav", "silent-film.mp4", "opus.ogg",
            "core/s24be-6.mov", "core/f32be.mov", "core/alac.mov", "core/aac-44k.m4a", "core/mp3.mp4",
            "core/fragmented.mp4", "core/vorbis-quad.ogg", "core/f32.caf", "core/sowt.aifc",
            "core/wave64.w64", "core/rf64.wav", "core/ms-adpcm.wav", "core/ima-adpcm.wav",
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        header_only in any::<bool>(),
        keep in 0.05f64..1.0,
    ) {
        let mut bytes = fs::read(fixture(name)).unwrap();
        bytes.truncate(((bytes.len() as f64 * keep) as usize).max(1));
        let reach = if header_only { bytes.len().min(400) } else { bytes.len() };
        for (index, byte) in damage {
            bytes[index.index(reach)] = byte;
        }
        let name = name.trim_start_matches("core/");
        match read_bytes(name, &bytes) {
            Ok(decoded) => {
                prop_assert!(!decoded.audio.is_empty());
                let length = decoded.audio.len();
                for channel in &decoded.audio.channels {
                    prop_assert_eq!(channel.len(), length);
                    prop_assert!(channel.iter().all(|sample| sample.is_finite()));
                }
            }
            Err(error) => prop_assert!(error.to_string().contains(name)),
        }
    }
}

#[test]
fn a_sound_wav_has_no_warnings() {
    let samples: Vec<i16> =
        sine(8000, 200.0, 20_000.0, 4000).iter().map(|&sample| sample as i16).collect();
    let decoded = read_bytes("sound.wav", &wav(8000, 1, 8000, &samples)).unwrap();
    assert_eq!((decoded.audio.len(), decoded.warnings.len()), (4000, 0));
}

#[test]
fn files_joined_byte_by_byte_are_read_whole_or_told() {
    for (name, all) in [
        ("s16.flac", true),
        ("vorbis.ogg", true),
        ("lame.mp3", true),
        ("s16.aiff", false),
        ("alac.caf", false),
        ("alac.m4a", false),
        ("flac.mkv", false),
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        let single = read(&fixture(name)).unwrap().audio;
        let joined = read_bytes(name, &[bytes.clone(), bytes].concat()).unwrap();
        let warnings = if all { vec![] } else { vec![ReadWarning::AppendedFile] };
        assert_eq!(joined.warnings, warnings, "{name}");
        for (joined, single) in joined.audio.channels.iter().zip(&single.channels) {
            let expected = if all { [&single[..], single].concat() } else { single.clone() };
            assert!(joined == &expected, "{name}: {} samples", joined.len());
        }
    }
}

#[test]
fn flac_with_tags_behind_it_or_without_its_smallest_block_is_whole() {
    let bytes = fs::read(fixture("s16.flac")).unwrap();
    let whole = read(&fixture("s16.flac")).unwrap().audio;
    let tagged = [&bytes[..], b"TAG", &[b' '; 125]].concat();
    let mut footer = b"APETAGEX\xD0\x07\0\0\x20\0\0\0".to_vec();
    footer.resize(32, 0);
    let ape = [&bytes[..], &footer].concat();
    let mut smallest = bytes.clone();
    smallest[8..10].fill(0);
    let mut both = smallest.clone();
    both[10..12].fill(0);
    for (name, bytes) in [("ID3v1", tagged), ("APE", ape), ("smallest", smallest), ("both", both)] {
        let decoded = read_bytes("file.flac", &bytes).unwrap();
        assert_eq!(decoded.warnings, [], "{name}");
        assert!(decoded.audio == whole, "{name}");
    }
}
