//! Reading every container and codec, from fixtures made by `fixtures/make.sh`.

use std::path::{Path, PathBuf};

use residue_media::audio::{
    Audio, AudioFileError, DecodedFile, ReadOptions, ReadWarning, read, read_with,
};

use crate::signals::{fixture_signal, largest_error, snr};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audio/fixtures").join(name)
}

fn read_fixture(name: &str) -> DecodedFile {
    read(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read_clean(name: &str) -> Audio {
    let decoded = read_fixture(name);
    assert_eq!(decoded.warnings, [], "{name}");
    decoded.audio
}

#[test]
fn lossless_files_hold_the_exact_signal() {
    for name in ["s16.aiff", "s16.flac", "alac.caf", "alac.m4a", "flac.mkv", "piped.wav"] {
        let audio = read_clean(name);
        let expected = fixture_signal(44_100, 2);
        assert_eq!((audio.rate, audio.channels.len(), audio.len()), (44_100, 2, 8820), "{name}");
        for (found, expected) in audio.channels.iter().zip(&expected.channels) {
            assert!(largest_error(expected, found) <= 1.0 / 32768.0, "{name}");
        }
    }
    let audio = read_clean("f64.wav");
    let expected = fixture_signal(44_100, 2);
    assert_eq!(audio.len(), 2205);
    for (found, expected) in audio.channels.iter().zip(&expected.channels) {
        assert!(largest_error(&expected[..2205], found) < 1e-6);
    }
}

#[test]
fn every_rate_and_channel_count_is_kept() {
    for (name, rate, channels) in
        [("rate8000.flac", 8_000, 1), ("rate192000.flac", 192_000, 1), ("surround.flac", 48_000, 6)]
    {
        let audio = read_clean(name);
        assert_eq!((audio.rate, audio.channels.len()), (rate, channels), "{name}");
        assert_eq!(audio.len(), rate as usize / 5, "{name}");
    }
}

#[test]
fn wav_of_every_width_is_scaled_to_full_scale_one() {
    let folder = tempfile::tempdir().unwrap();
    for (bits, format) in [
        (8, hound::SampleFormat::Int),
        (16, hound::SampleFormat::Int),
        (24, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Int),
        (32, hound::SampleFormat::Float),
    ] {
        let path = folder.path().join(format!("{bits}.wav"));
        let spec = hound::WavSpec {
            channels: 3,
            sample_rate: 11_025,
            bits_per_sample: bits,
            sample_format: format,
        };
        let values = [-1.0, -0.5, 0.0, 0.5, 0.984_375, 0.25];
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for value in values {
            match format {
                hound::SampleFormat::Float => writer.write_sample(value as f32).unwrap(),
                hound::SampleFormat::Int => {
                    writer.write_sample((value * 2f64.powi(i32::from(bits) - 1)) as i32).unwrap();
                }
            }
        }
        writer.finalize().unwrap();
        let decoded = read(&path).unwrap();
        assert_eq!(decoded.warnings, []);
        assert_eq!(decoded.audio.rate, 11_025);
        let expected = [[-1.0, 0.5], [-0.5, 0.984_375], [0.0, 0.25]];
        assert_eq!(decoded.audio.channels, expected.map(Vec::from), "{bits} {format:?}");
    }
    assert!(
        snr(&fixture_signal(44_100, 2).channels[0], &read_clean("mulaw.wav").channels[0]) > 30.0
    );
}

#[test]
fn lossy_files_are_aligned_to_the_sample_where_the_container_says_how() {
    for name in ["lame.mp3", "vorbis.ogg"] {
        let audio = read_clean(name);
        let expected = fixture_signal(44_100, 2);
        assert_eq!(audio.len(), 8820, "{name}");
        for (found, expected) in audio.channels.iter().zip(&expected.channels) {
            // A shift by one sample would leave 24 dB (440 Hz) or 17 dB (1 kHz).
            assert!(snr(expected, found) > 26.0, "{name}: {}", snr(expected, found));
        }
    }
}

#[test]
fn lossy_files_without_a_stated_delay_hold_the_signal_after_it() {
    for name in ["bare.mp3", "aac.m4a", "aac.aac", "vorbis.webm"] {
        let audio = read_clean(name);
        assert_eq!((audio.rate, audio.channels.len()), (44_100, 2), "{name}");
        assert!((8820..8820 + 4096).contains(&audio.len()), "{name}: {}", audio.len());
        // Without both ends, where codecs start and stop.
        let peak = audio.channels[0][3000..8000].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!((0.4..0.7).contains(&peak), "{name}: {peak}");
    }
}

#[test]
fn chained_streams_are_joined_and_a_change_of_rate_is_reported() {
    assert_eq!(read_clean("chained.ogg").len(), 2 * 8820);
    let decoded = read_fixture("chained-rates.ogg");
    // 0.2 s at 44.1 kHz, and 0.2 s at 22.05 kHz, converted.
    assert_eq!(decoded.audio.len(), 2 * 8820);
    assert_eq!(decoded.warnings, [ReadWarning::FormatChange { seconds: 0.2, converted: true }]);
}

#[test]
fn further_tracks_are_reported() {
    let decoded = read_fixture("two-tracks.mkv");
    assert_eq!(decoded.audio.len(), 8820);
    assert_eq!(decoded.warnings, [ReadWarning::OtherTracks { count: 1 }]);
}

#[test]
fn unreadable_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let message = |path: &Path| read(path).unwrap_err().to_string();

    let missing = folder.path().join("missing.wav");
    assert!(matches!(read(&missing), Err(AudioFileError::NotFound { .. })));
    assert!(message(&missing).contains("missing.wav"));
    assert!(matches!(read(folder.path()), Err(AudioFileError::IsDirectory { .. })));
    assert!(matches!(read(&file("empty.wav", b"")), Err(AudioFileError::Empty { .. })));
    let text = file("text.wav", &b"Not audio at all, but long enough to look at.\n".repeat(200));
    assert!(matches!(read(&text), Err(AudioFileError::NotAudio { .. })), "{}", message(&text));
    assert!(matches!(read(&file("short.mp3", b"x")), Err(AudioFileError::NotAudio { .. })));

    for (name, codec) in [("opus.ogg", "Opus"), ("ac3.mkv", "AC-3"), ("wavpack.mkv", "WavPack")] {
        let error = read(&fixture(name)).unwrap_err();
        assert!(matches!(error, AudioFileError::UnsupportedCodec { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(codec) && message.contains("convert"), "{message}");
    }
    let error = read(&fixture("silent-film.mp4")).unwrap_err();
    assert!(matches!(error, AudioFileError::NoAudioTrack { .. }), "{error}");
}

#[test]
fn the_limit_on_length_is_an_error_and_names_it() {
    let limited = |max_samples| {
        let options = ReadOptions { max_samples, ..ReadOptions::default() };
        read_with(&fixture("s16.flac"), &options)
    };
    // Samples count at 48 kHz.
    let samples = 2 * 9600;
    let error = limited(samples - 1000).unwrap_err();
    assert!(matches!(error, AudioFileError::TooLong { limit: 18_200, .. }), "{error}");
    assert!(limited(samples).is_ok());
}
