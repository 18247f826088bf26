//! Files that declare more than they hold: bounded before anything is allocated.

use std::fs;

use residue_media::audio::{AudioFileError, DecodedFile, MAX_SAMPLES, read};

use crate::audio_read::fixture;
use crate::core_corpus::core_file;

fn read_bytes(bytes: &[u8]) -> Result<DecodedFile, AudioFileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    read(&path)
}

/// Returns a CAF of 64 bytes of samples.
fn caf(format: &[u8; 4], bytes_per_packet: u32, frames_per_packet: u32, bits: u32) -> Vec<u8> {
    let mut bytes = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
    bytes.extend(8000f64.to_be_bytes());
    bytes.extend(format);
    bytes.extend(u32::from(format == b"lpcm" && bits > 32).to_be_bytes());
    for field in [bytes_per_packet, frames_per_packet, 1, bits] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(b"data\0\0\0\0\0\0\0\x44\0\0\0\0");
    bytes.extend([0; 64]);
    bytes
}

/// Returns the place behind `mark`.
fn behind(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).rposition(|found| found == mark).unwrap() + mark.len()
}

#[test]
fn packets_of_absurd_sizes_are_refused() {
    assert_eq!(read_bytes(&caf(b"lpcm", 8, 1, 64)).unwrap().audio.len(), 8);
    for (bytes, frames) in [(8, u32::MAX), (u32::MAX, 1), (8, 1 << 20), (0, 1)] {
        let error = read_bytes(&caf(b"lpcm", bytes, frames, 64)).unwrap_err();
        assert!(matches!(error, AudioFileError::Ambiguous { .. }), "{error}");
    }
    for format in [b"ima4", b"alac", b"aac ", b".mp3", b"xxxx"] {
        let error = read_bytes(&caf(format, 34, 4 << 20, 0)).unwrap_err();
        println!("{error}");
    }
}

#[test]
fn decoders_do_not_allocate_what_a_header_asks_for() {
    // The first field of an ALAC cookie is the length of its frames.
    let mut bytes = fs::read(core_file("alac.mov")).unwrap();
    let cookie = behind(&bytes, b"alac") + 4;
    bytes[cookie..cookie + 4].fill(0xFF);
    let error = read_bytes(&bytes).unwrap_err();
    println!("{error}");

    // The most packets that 32 bits count, of one size that takes no table.
    let mut bytes = fs::read(core_file("aac-44k.m4a")).unwrap();
    let sizes = behind(&bytes, b"stsz") + 4;
    bytes[sizes..sizes + 4].copy_from_slice(&1u32.to_be_bytes());
    bytes[sizes + 4..sizes + 8].fill(0xFF);
    let chunks = behind(&bytes, b"stsc") + 4;
    bytes[chunks + 8..chunks + 12].fill(0xFF);
    let error = read_bytes(&bytes).unwrap_err();
    assert!(matches!(error, AudioFileError::NotAudio { .. }), "{error}");
}

#[test]
fn a_declared_length_beyond_the_limit_is_refused_at_once() {
    // 36 bits of samples behind rate, channels and bits.
    let mut bytes = fs::read(fixture("s16.flac")).unwrap();
    bytes[21] |= 0x0F;
    bytes[22..26].fill(0xFF);
    let error = read_bytes(&bytes).unwrap_err();
    let AudioFileError::TooLong { limit, rate, channels, .. } = error else { panic!("{error}") };
    assert_eq!((limit, rate, channels), (MAX_SAMPLES, 44_100, 2));
}

#[test]
fn the_limit_is_told_in_minutes() {
    let error = AudioFileError::TooLong {
        path: "long.flac".into(),
        limit: MAX_SAMPLES,
        rate: 1000,
        channels: 2,
    };
    let words = error.to_string();
    assert!(words.contains("70 minutes of 2-channel audio at 1000 Hz"), "{words}");
}
