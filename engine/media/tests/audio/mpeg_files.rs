//! MPEG audio as people join, tag and cut it.

use std::fs;

use residue_media::audio::{Audio, DecodedFile, ReadWarning, read};

use crate::audio_read::fixture;
use crate::core_corpus::{core_file, middle_snr, tone};

fn read_bytes(bytes: &[u8]) -> DecodedFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.mp3");
    fs::write(&path, bytes).unwrap();
    read(&path).unwrap()
}

fn lame() -> Vec<u8> {
    fs::read(fixture("lame.mp3")).unwrap()
}

fn stereo() -> Vec<u8> {
    fs::read(core_file("stereo-44k.mp3")).unwrap()
}

/// Returns the place of the encoder's tag.
fn tag_of(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|bytes| bytes == b"Info" || bytes == b"Xing").unwrap()
}

fn id3v1() -> Vec<u8> {
    [b"TAG", &[b'x'; 125][..]].concat()
}

fn ape() -> Vec<u8> {
    let item = b"\x04\0\0\0\0\0\0\0Album\0Test";
    let part = |is_header: bool| {
        let mut bytes = b"APETAGEX\xD0\x07\0\0".to_vec();
        bytes.extend((item.len() as u32 + 32).to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend((1u32 << 31 | u32::from(is_header) << 29).to_le_bytes());
        bytes.extend([0; 8]);
        bytes
    };
    [part(true), item.to_vec(), part(false)].concat()
}

#[test]
fn joined_files_lose_delay_and_padding_each_by_its_own_tag() {
    let single = read(&fixture("lame.mp3")).unwrap().audio;
    assert_eq!(single.len(), 8820);
    let between: [Vec<u8>; 4] =
        [vec![], id3v1(), ape(), b"ID3\x04\0\0\0\0\0\x05tagged".to_vec()[..15].to_vec()];
    for tag in between {
        let decoded = read_bytes(&[lame(), tag.clone(), lame(), tag, lame()].concat());
        assert_eq!(decoded.warnings, []);
        assert_eq!(decoded.audio.len(), 3 * 8820);
        for part in 0..3 {
            for (joined, alone) in decoded.audio.channels.iter().zip(&single.channels) {
                assert!(joined[part * 8820..][..8820] == alone[..], "part {part}");
            }
        }
    }
}

#[test]
fn a_tag_that_counts_no_frames_counts_nothing() {
    let mut bytes = stereo();
    let tag = tag_of(&bytes);
    bytes[tag + 8..tag + 12].fill(0);
    let decoded = read_bytes(&bytes);
    assert_eq!(decoded.warnings, []);
    assert!((4410..4410 + 2304).contains(&decoded.audio.len()), "{}", decoded.audio.len());
    assert!(middle_snr(&tone(0, 44_100, 4410), &decoded.audio.channels[0], 0) > 20.0);
}

#[test]
fn bare_frames_behind_a_tagged_part_are_read() {
    let bare = fs::read(core_file("bare-44k.mp3")).unwrap();
    let decoded = read_bytes(&[stereo(), bare.clone(), bare.clone()].concat());
    let alone = read_bytes(&bare).audio.len();
    assert_eq!(decoded.warnings, []);
    assert_eq!(decoded.audio.len(), 4410 + 2 * alone);
}

#[test]
fn parts_of_another_format_are_converted_to_the_first_and_told() {
    let mono = fs::read(core_file("mono-24k.mp3")).unwrap();
    let check = |audio: &Audio, rate: u32, start: usize, amplitude: f32| {
        let length = rate as usize / 10;
        let expected: Vec<f32> = tone(0, rate, length).iter().map(|x| x * amplitude).collect();
        let found = &audio.channels[0][start..];
        assert!(middle_snr(&expected, found, 0) > 18.0, "{}", middle_snr(&expected, found, 0));
    };
    let decoded = read_bytes(&[stereo(), mono.clone()].concat());
    assert_eq!((decoded.audio.rate, decoded.audio.channels.len()), (44_100, 2));
    assert_eq!(decoded.audio.len(), 2 * 4410);
    assert_eq!(decoded.warnings, [ReadWarning::FormatChange { seconds: 0.1, converted: true }]);
    check(&decoded.audio, 44_100, 0, 1.0);
    check(&decoded.audio, 44_100, 4410, 1.0);

    let decoded = read_bytes(&[mono, stereo()].concat());
    assert_eq!((decoded.audio.rate, decoded.audio.channels.len()), (24_000, 1));
    assert_eq!(decoded.audio.len(), 2 * 2400);
    check(&decoded.audio, 24_000, 0, 1.0);
}

#[test]
fn bytes_around_a_stream_are_no_sound() {
    let single = read(&fixture("lame.mp3")).unwrap().audio;
    let noise: Vec<u8> = (0..999u32).map(|n| ((n * 7919) >> 3) as u8 & 0x7F).collect();
    for (name, bytes) in [
        ("ID3v1 behind", [lame(), id3v1()].concat()),
        ("zeros before", [vec![0; 700], lame()].concat()),
        ("noise before", [noise.clone(), lame()].concat()),
        ("noise behind", [lame(), noise].concat()),
    ] {
        let decoded = read_bytes(&bytes);
        assert!(decoded.audio.channels == single.channels, "{name}");
    }
}

#[test]
fn a_gap_inside_a_stream_is_told() {
    let mut bytes = lame();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 600].fill(0x55);
    let decoded = read_bytes(&bytes);
    assert!(
        decoded.warnings.iter().any(|found| matches!(found, ReadWarning::CorruptPackets { .. })),
        "{:?}",
        decoded.warnings
    );
}

#[test]
fn a_stream_that_ends_inside_a_frame_is_told() {
    let bytes = lame();
    let decoded = read_bytes(&bytes[..bytes.len() - 100]);
    assert!(
        matches!(decoded.warnings[..], [ReadWarning::Truncated { .. }]),
        "{:?}",
        decoded.warnings
    );
}
