//! The WAVE family, byte by byte: sizes, formats, speakers.

use std::fs;

use proptest::prelude::*;
use residue_media::audio::{Audio, AudioFileError, DecodedFile, ReadWarning, read};

use crate::audio_read::fixture;

/// Returns the bytes of a chunk.
fn chunk(id: &[u8], size: u32, content: &[u8]) -> Vec<u8> {
    [id, &size.to_le_bytes(), content, &[0][..content.len() % 2]].concat()
}

fn whole_chunk(id: &[u8], content: &[u8]) -> Vec<u8> {
    chunk(id, content.len() as u32, content)
}

/// Returns a RIFF file of `chunks` with the size field `size`, or the right one.
fn riff(id: &[u8], size: Option<u32>, chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    let size = size.unwrap_or(content.len() as u32 + 4);
    [id, &size.to_le_bytes(), b"WAVE", &content].concat()
}

/// Returns the first 16 bytes of a `fmt ` chunk.
fn format(tag: u16, channels: u16, rate: u32, align: u16, bits: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(align)).to_le_bytes());
    bytes.extend(align.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes
}

/// Returns an extensible `fmt ` chunk of 40 bytes.
fn extensible(tag: u16, channels: u16, align: u16, bits: u16, valid: u16, mask: u32) -> Vec<u8> {
    let mut bytes = format(0xFFFE, channels, 48_000, align, bits);
    bytes.extend(22u16.to_le_bytes());
    bytes.extend(valid.to_le_bytes());
    bytes.extend(mask.to_le_bytes());
    bytes.extend(tag.to_le_bytes());
    bytes.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    bytes
}

/// Returns a ramp of 16-bit samples.
fn ramp(samples: usize) -> Vec<u8> {
    (0..samples).flat_map(|n| (n as i16).wrapping_mul(64).to_le_bytes()).collect()
}

fn read_bytes(bytes: &[u8]) -> Result<DecodedFile, AudioFileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.wav");
    fs::write(&path, bytes).unwrap();
    read(&path)
}

fn read_clean(bytes: &[u8], name: &str) -> Audio {
    let decoded = read_bytes(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(decoded.warnings, [], "{name}");
    decoded.audio
}

const FRAMES: usize = 400;

#[test]
fn sizes_that_were_never_written_read_to_the_end() {
    let samples = ramp(2 * FRAMES);
    let fmt = whole_chunk(b"fmt ", &format(1, 2, 44_100, 4, 16));
    let file = |riff_size, data_size| {
        riff(b"RIFF", riff_size, &[fmt.clone(), chunk(b"data", data_size, &samples)])
    };
    let right = samples.len() as u32;
    for (riff_size, data_size) in [
        (None, right),
        (Some(0), 0),
        (None, 0),
        (Some(0xFFFF_FFFF), 0xFFFF_FFFF),
        (Some(0), 0x8000_0000),
        (Some(right + 28), right),
        (Some(7), right),
        // The size of the file in place of that of the samples.
        (None, right + 36),
        (None, right + 44),
    ] {
        let name = format!("RIFF {riff_size:?}, data {data_size}");
        let audio = read_clean(&file(riff_size, data_size), &name);
        assert_eq!((audio.rate, audio.channels.len(), audio.len()), (44_100, 2, FRAMES), "{name}");
        assert_eq!(audio.channels[1][3], 7.0 * 64.0 / 32_768.0);
    }
}

#[test]
fn an_empty_data_chunk_before_others_is_empty() {
    let fmt = whole_chunk(b"fmt ", &format(1, 1, 8000, 2, 16));
    let list = whole_chunk(b"LIST", b"INFOISFT\x04\0\0\0Test");
    let error = read_bytes(&riff(b"RIFF", None, &[fmt, chunk(b"data", 0, &[]), list])).unwrap_err();
    assert!(matches!(error, AudioFileError::NothingDecoded { .. }), "{error}");
}

#[test]
fn chunks_and_tags_behind_the_samples_are_no_samples() {
    let samples = ramp(FRAMES);
    let fmt = whole_chunk(b"fmt ", &format(1, 1, 8000, 2, 16));
    let data = whole_chunk(b"data", &samples);
    let list = whole_chunk(b"LIST", b"INFOISFT\x04\0\0\0Test");
    let mut tagged = riff(b"RIFF", None, &[fmt.clone(), data.clone()]);
    tagged.extend([b"TAG", &[b' '; 125][..]].concat());
    let mut padded = riff(b"RIFF", None, &[fmt.clone(), data.clone()]);
    padded.extend([0; 100]);
    for (name, bytes) in
        [("LIST", riff(b"RIFF", None, &[fmt, data, list])), ("ID3v1", tagged), ("zeros", padded)]
    {
        assert_eq!(read_clean(&bytes, name).len(), FRAMES, "{name}");
    }
}

#[test]
fn an_appended_file_is_told() {
    let fmt = whole_chunk(b"fmt ", &format(1, 1, 8000, 2, 16));
    let file = riff(b"RIFF", None, &[fmt, whole_chunk(b"data", &ramp(FRAMES))]);
    let decoded = read_bytes(&[file.clone(), file].concat()).unwrap();
    assert_eq!(decoded.audio.len(), FRAMES);
    assert_eq!(decoded.warnings, [ReadWarning::AppendedFile]);
}

#[test]
fn samples_beyond_a_size_that_lags_behind_are_read_and_told() {
    let fmt = whole_chunk(b"fmt ", &format(1, 1, 8000, 2, 16));
    let bytes = riff(b"RIFF", Some(236), &[fmt, chunk(b"data", 200, &ramp(FRAMES))]);
    let decoded = read_bytes(&bytes).unwrap();
    assert_eq!(decoded.audio.len(), FRAMES);
    let [ReadWarning::BeyondDeclared { declared, decoded }] = decoded.warnings[..] else {
        panic!("{:?}", decoded.warnings)
    };
    assert_eq!((declared, decoded), (0.0125, 0.05));
}

#[test]
fn one_missing_sample_is_told_without_equal_numbers() {
    let fmt = whole_chunk(b"fmt ", &format(1, 1, 48_000, 2, 16));
    let bytes = riff(b"RIFF", None, &[fmt, chunk(b"data", 2 * FRAMES as u32 + 2, &ramp(FRAMES))]);
    let decoded = read_bytes(&bytes).unwrap();
    let [warning] = &decoded.warnings[..] else { panic!("{:?}", decoded.warnings) };
    assert_eq!(warning.to_string(), "the file is cut short: its last samples are missing");
}

#[test]
fn format_chunks_of_every_length_are_read() {
    let data = whole_chunk(b"data", &ramp(2 * FRAMES));
    for length in [16, 18, 20, 24, 40, 50] {
        let mut fmt = format(1, 2, 32_000, 4, 16);
        fmt.resize(length, 0);
        let file = riff(b"RIFF", None, &[whole_chunk(b"fmt ", &fmt), data.clone()]);
        let audio = read_clean(&file, &format!("{length} bytes"));
        assert_eq!((audio.rate, audio.channels.len(), audio.len()), (32_000, 2, FRAMES));
    }
}

#[test]
fn any_number_of_channels_up_to_the_bound_is_read() {
    for (channels, mask) in
        [(4, 0x33), (6, 0x3F), (8, 0x63F), (19, 0), (24, 0), (33, 0), (64, 0), (128, 0)]
    {
        let fmt = extensible(1, channels, channels * 2, 16, 16, mask);
        let data = whole_chunk(b"data", &ramp(10 * usize::from(channels)));
        let audio =
            read_clean(&riff(b"RIFF", None, &[whole_chunk(b"fmt ", &fmt), data]), "channels");
        assert_eq!((audio.channels.len(), audio.len()), (usize::from(channels), 10));
        assert_eq!(audio.speakers.bits(), mask, "{channels} channels");
        assert_eq!(audio.channels[1][1], f32::from(channels as i16 + 1) * 64.0 / 32_768.0);
    }
    let fmt = whole_chunk(b"fmt ", &format(1, 129, 8000, 258, 16));
    let error =
        read_bytes(&riff(b"RIFF", None, &[fmt, whole_chunk(b"data", &ramp(258))])).unwrap_err();
    assert!(matches!(error, AudioFileError::TooManyChannels { channels: 129, .. }), "{error}");
}

#[test]
fn valid_bits_are_the_upper_ones_of_their_container() {
    // 0.5 and -0.25, in 20 of 24 bits and in 24 of 32.
    let narrow = [0, 0, 0x40, 0, 0, 0xE0];
    let wide = [0, 0, 0, 0x40, 0, 0, 0, 0xE0];
    for (name, fmt, samples) in [
        ("20 in 24", extensible(1, 1, 3, 24, 20, 4), &narrow[..]),
        ("20 in 3 bytes, plain", format(1, 1, 48_000, 3, 20), &narrow),
        ("24 in 32", extensible(1, 1, 4, 32, 24, 4), &wide),
        ("24 in 4 bytes, extensible", extensible(1, 1, 4, 24, 24, 4), &wide),
    ] {
        let file =
            riff(b"RIFF", None, &[whole_chunk(b"fmt ", &fmt), whole_chunk(b"data", samples)]);
        assert_eq!(read_clean(&file, name).channels, [[0.5, -0.25]], "{name}");
    }
}

#[test]
fn bits_whose_place_nobody_knows_are_refused_in_words() {
    for fmt in [
        format(1, 2, 44_100, 8, 24),
        format(1, 2, 44_100, 3, 16),
        format(3, 1, 44_100, 2, 16),
        format(1, 1, 44_100, 5, 40),
        format(1, 1, 44_100, 2, 0),
    ] {
        let file =
            riff(b"RIFF", None, &[whole_chunk(b"fmt ", &fmt), whole_chunk(b"data", &ramp(64))]);
        let error = read_bytes(&file).unwrap_err();
        assert!(matches!(error, AudioFileError::Ambiguous { .. }), "{error}");
        assert!(error.to_string().contains("export"), "{error}");
    }
}

#[test]
fn companded_samples_are_read_plain_and_extensible() {
    let bytes = whole_chunk(b"data", &[0x80, 0x00, 0xFF, 0xD5]);
    for (tag, first) in [(7, 32_124.0), (6, 5_504.0)] {
        for fmt in [format(tag, 1, 48_000, 1, 8), extensible(tag, 1, 1, 8, 8, 4)] {
            let audio = read_clean(
                &riff(b"RIFF", None, &[whole_chunk(b"fmt ", &fmt), bytes.clone()]),
                "G.711",
            );
            assert_eq!(audio.channels[0][0].abs(), first / 32_768.0, "tag {tag}");
        }
    }
}

#[test]
fn big_endian_and_64_bit_variants_are_read() {
    let samples = ramp(2 * FRAMES);
    let fmt = whole_chunk(b"fmt ", &format(1, 2, 48_000, 4, 16));
    let expected =
        read_clean(&riff(b"RIFF", None, &[fmt.clone(), whole_chunk(b"data", &samples)]), "RIFF");
    for id in [b"RF64", b"BW64"] {
        for stated in [samples.len() as u64, 0] {
            let sizes = [0u64, stated, FRAMES as u64].map(u64::to_le_bytes).concat();
            let sizes = whole_chunk(b"ds64", &[&sizes[..], &[0; 4]].concat());
            // A size of 0 in both places, as a killed recorder leaves it.
            let data = chunk(b"data", 0xFFFF_FFFF, &samples);
            let file = riff(id, Some(0xFFFF_FFFF), &[sizes, fmt.clone(), data]);
            assert_eq!(read_clean(&file, "RF64"), expected);
        }
    }

    let big = |bytes: &[u8], width: usize| -> Vec<u8> {
        bytes.chunks(width).flat_map(|value| value.iter().rev().copied()).collect()
    };
    let mut rifx = b"RIFX".to_vec();
    rifx.extend((36 + samples.len() as u32).to_be_bytes());
    rifx.extend(b"WAVEfmt \0\0\0\x10\0\x01\0\x02\0\0\xBB\x80\0\x02\xEE\0\0\x04\0\x10data");
    rifx.extend((samples.len() as u32).to_be_bytes());
    rifx.extend(big(&samples, 2));
    assert_eq!(read_clean(&rifx, "RIFX"), expected);
}

#[test]
fn mpeg_audio_in_a_wav_is_decoded() {
    let mp3 = fs::read(fixture("lame.mp3")).unwrap();
    let mut fmt = format(0x55, 2, 44_100, 1, 0);
    fmt.extend([12, 0, 1, 0, 2, 0, 0, 0, 0xA1, 1, 1, 0, 0x71, 5]);
    let file = riff(b"RIFF", None, &[whole_chunk(b"fmt ", &fmt), whole_chunk(b"data", &mp3)]);
    assert_eq!(
        read_clean(&file, "MP3").channels,
        read(&fixture("lame.mp3")).unwrap().audio.channels
    );
}

#[test]
fn adpcm_of_unknown_size_is_read_to_the_end() {
    for name in ["ms-adpcm.wav", "ima-adpcm.wav"] {
        let bytes = fs::read(crate::core_corpus::core_file(name)).unwrap();
        let whole = read_clean(&bytes, name);
        let size = bytes.windows(4).position(|found| found == b"data").unwrap() + 4;
        for unknown in [0, u32::MAX] {
            let mut bytes = bytes.clone();
            bytes[size..size + 4].copy_from_slice(&unknown.to_le_bytes());
            assert!(read_clean(&bytes, name) == whole, "{name}, {unknown}");
        }
        let decoded = read_bytes(&bytes[..bytes.len() - 600]).unwrap();
        assert!(
            matches!(decoded.warnings[..], [ReadWarning::Truncated { .. }]),
            "{name}: {:?}",
            decoded.warnings
        );
    }
}

#[test]
fn codecs_without_a_decoder_are_named() {
    for (tag, name) in [(0x161, "Windows Media Audio"), (0x31, "GSM"), (0x1234, "0x1234")] {
        let fmt = whole_chunk(b"fmt ", &format(tag, 1, 8000, 33, 0));
        let error =
            read_bytes(&riff(b"RIFF", None, &[fmt, whole_chunk(b"data", &[0; 66])])).unwrap_err();
        assert!(matches!(error, AudioFileError::UnsupportedCodec { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn levels_that_are_no_audio_are_told_with_the_file() {
    let fmt = whole_chunk(b"fmt ", &format(3, 1, 48_000, 4, 32));
    let file = |sample: f32| {
        let samples: Vec<u8> =
            [0.5, sample].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        riff(b"RIFF", None, &[fmt.clone(), whole_chunk(b"data", &samples)])
    };
    let error = read_bytes(&file(f32::MAX)).unwrap_err();
    assert!(matches!(error, AudioFileError::Level { .. }), "{error}");
    assert!(error.to_string().contains("file.wav"), "{error}");
    assert_eq!(read_clean(&file(-8_388_608.0), "loud").channels, [[0.5, -8_388_608.0]]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Any header gives samples or an error, and no more samples than its bytes can hold.
    #[test]
    fn any_header_is_survived(
        fields in prop::collection::vec(any::<u8>(), 0..60),
        tag in prop::sample::select(vec![1u16, 2, 3, 6, 7, 0x11, 0x50, 0x55, 0xFFFE]),
        sizes in any::<(u32, u32)>(),
        samples in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut fmt = fields;
        if fmt.len() >= 2 {
            fmt[..2].copy_from_slice(&tag.to_le_bytes());
        }
        let file = riff(
            b"RIFF",
            Some(sizes.0),
            &[whole_chunk(b"fmt ", &fmt), chunk(b"data", sizes.1, &samples)],
        );
        if let Ok(decoded) = read_bytes(&file) {
            let total = decoded.audio.len() * decoded.audio.channels.len();
            prop_assert!(total <= samples.len() * 4, "{total} samples of {} bytes", samples.len());
        }
    }
}
