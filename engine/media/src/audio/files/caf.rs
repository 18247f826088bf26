//! Core Audio files (CAF).

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_MP2, CODEC_ID_MP3,
};

use super::channel_order::{ChannelOrder, core_audio_layout};
use super::collector::{FileFacts, SampleCollector, Stop};
use super::esds::aac_configuration;
use super::input::AudioInput;
use super::limits::MAX_HELD_BYTES;
use super::packet_track::{PacketPlace, PacketTrack};
use super::pcm::{PcmFormat, SampleCoding};
use super::{AudioFileError, DecodedFile, ReadWarning};

/// Bytes of a chunk's header.
const CHUNK_HEADER: u64 = 12;
/// Bytes of the edit count in front of the samples.
const EDIT_COUNT: u64 = 4;
/// Longest chunk that is looked at, but for the packet table.
const MAX_CHUNK_BYTES: u64 = 1 << 16;

/// The `desc` chunk.
struct Description {
    rate: f64,
    format: [u8; 4],
    flags: u32,
    bytes_per_packet: u32,
    frames_per_packet: u32,
    channels: usize,
    bits: u32,
}

/// The chunks that matter.
#[derive(Default)]
struct CafChunks {
    description: Option<Description>,
    /// Start and declared size of the samples; -1 where they reach to the end of the file.
    data: Option<(u64, i64)>,
    cookie: Option<Vec<u8>>,
    packet_table: Option<Vec<u8>>,
    layout: Option<Vec<u8>>,
    /// True if another file is joined to this one, byte by byte.
    appended: bool,
}

/// Reads a CAF file.
pub(super) fn read_caf(
    path: &Path,
    input: &AudioInput,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let not_audio = |reason: &str| AudioFileError::not_audio(path, reason);
    let chunks = find_chunks(input).map_err(|reason| AudioFileError::open(path, reason))?;
    let Some(description) = &chunks.description else {
        return Err(not_audio("a CAF without a description: it is cut short or damaged"));
    };
    let Some((start, size)) = chunks.data else {
        return Err(not_audio("a CAF without samples (no `data` chunk): it is cut short"));
    };
    let available = input.length().saturating_sub(start);
    let declared = u64::try_from(size).ok().map(|size| size.saturating_sub(EDIT_COUNT));
    let bytes = declared.unwrap_or(available).min(available);
    let cut = declared.is_some_and(|declared| declared > available);
    let order = chunks
        .layout
        .as_deref()
        .and_then(|layout| core_audio_layout(layout, description.channels))
        .unwrap_or_else(|| ChannelOrder::of_mask(0, description.channels));

    let mut collector = SampleCollector::new(path, max_samples);
    if chunks.appended {
        collector.warn(ReadWarning::AppendedFile);
    }
    let stop = |whole: bool| if whole { Stop::End } else { Stop::EndOfFile };
    if let Some(format) = pcm_format(path, description)? {
        let block = format.block() as u64;
        collector.begin(format.rate, format.channels)?;
        collector.expect(bytes / block)?;
        format.collect(&mut input.section(start, bytes), &mut collector)?;
        let declared = declared.map(|declared| declared / block);
        let facts = FileFacts { declared, order: Some(order), ..FileFacts::default() };
        return collector.finish(FileFacts { stop: stop(!cut), ..facts });
    }
    let (track, order) = packet_track(path, description, &chunks, start, bytes, order)?;
    let declared = track.length.map(|length| length + track.delay);
    let whole = track.collect(input, &mut collector)? && !cut;
    let decoded_declared = declared.filter(|_| !whole);
    collector.finish(FileFacts {
        stop: stop(whole),
        declared: decoded_declared,
        order,
        ..FileFacts::default()
    })
}

fn find_chunks(input: &AudioInput) -> std::io::Result<CafChunks> {
    let mut chunks = CafChunks::default();
    let mut position = 8;
    loop {
        let header = input.bytes(position, CHUNK_HEADER)?;
        let (Some(id), Some(size)) = (header.first_chunk::<4>(), header.get(4..12)) else { break };
        let size = size.iter().fold(0u64, |word, &byte| word << 8 | u64::from(byte)) as i64;
        let content = position + CHUNK_HEADER;
        let length = u64::try_from(size).unwrap_or(u64::MAX);
        let short = || input.bytes(content, length.min(MAX_CHUNK_BYTES));
        match id {
            b"desc" => chunks.description = parse_description(&short()?),
            b"kuki" => chunks.cookie = Some(short()?),
            b"chan" => chunks.layout = Some(short()?),
            b"pakt" => {
                chunks.packet_table = Some(input.bytes(content, length.min(MAX_HELD_BYTES))?);
            }
            b"caff" => {
                chunks.appended = true;
                break;
            }
            b"data" => chunks.data = Some((content + EDIT_COUNT, size)),
            _ => {}
        }
        match content.checked_add(length) {
            Some(next) => position = next,
            None => break,
        }
    }
    Ok(chunks)
}

fn parse_description(chunk: &[u8]) -> Option<Description> {
    let word = |at: usize| Some(u32::from_be_bytes(chunk.get(at..at + 4)?.try_into().ok()?));
    Some(Description {
        rate: f64::from_be_bytes(chunk.get(..8)?.try_into().ok()?),
        format: chunk.get(8..12)?.try_into().ok()?,
        flags: word(12)?,
        bytes_per_packet: word(16)?,
        frames_per_packet: word(20)?,
        channels: word(24)? as usize,
        bits: word(28)?,
    })
}

/// Returns the form of uncompressed samples; `None` for other codecs.
fn pcm_format(path: &Path, stated: &Description) -> Result<Option<PcmFormat>, AudioFileError> {
    const FLOAT: u32 = 1;
    const LITTLE_ENDIAN: u32 = 2;
    let rate = stated.rate.clamp(0.0, f64::from(u32::MAX)).round() as u32;
    let packet = stated.bytes_per_packet as usize;
    if stated.channels == 0 {
        return Err(AudioFileError::NoChannels { path: path.to_owned() });
    }
    let coding = match (&stated.format, stated.bits) {
        (b"lpcm", 32) if stated.flags & FLOAT != 0 => SampleCoding::Float32,
        (b"lpcm", 64) if stated.flags & FLOAT != 0 => SampleCoding::Float64,
        (b"lpcm", bits @ 1..=32) if stated.flags & FLOAT == 0 => {
            SampleCoding::Signed(bits.div_ceil(8) as usize)
        }
        (b"alaw", _) => SampleCoding::ALaw,
        (b"ulaw", _) => SampleCoding::MuLaw,
        (b"lpcm", bits) => {
            let what = format!("a CAF of {bits}-bit samples");
            return Err(AudioFileError::Ambiguous { path: path.to_owned(), what });
        }
        _ => return Ok(None),
    };
    let big_endian = stated.flags & LITTLE_ENDIAN == 0;
    let format = PcmFormat { rate, channels: stated.channels, coding, big_endian };
    let usual = stated.channels.checked_mul(coding.bytes());
    if stated.frames_per_packet > 1 || usual != Some(packet) {
        return Err(AudioFileError::Ambiguous {
            path: path.to_owned(),
            what: format!(
                "a CAF of {}-bit samples with {packet} bytes and {} frames in a packet",
                stated.bits, stated.frames_per_packet
            ),
        });
    }
    Ok(Some(format))
}

fn packet_track(
    path: &Path,
    stated: &Description,
    chunks: &CafChunks,
    start: u64,
    bytes: u64,
    order: ChannelOrder,
) -> Result<(PacketTrack, Option<ChannelOrder>), AudioFileError> {
    let mut parameters = AudioCodecParameters::new();
    let cookie = chunks.cookie.as_deref().unwrap_or(&[]);
    // Decoders put the channels of these codecs in order themselves.
    let order = match &stated.format {
        b"alac" => {
            parameters.for_codec(CODEC_ID_ALAC).with_extra_data(cookie.into());
            None
        }
        b"aac " => {
            let configuration = aac_configuration(cookie).unwrap_or(cookie);
            parameters.for_codec(CODEC_ID_AAC).with_extra_data(configuration.into());
            None
        }
        b".mp3" => {
            parameters.for_codec(CODEC_ID_MP3);
            Some(order)
        }
        b".mp2" => {
            parameters.for_codec(CODEC_ID_MP2);
            Some(order)
        }
        b"ima4" => {
            let codec = "IMA ADPCM in CAF".into();
            return Err(AudioFileError::UnsupportedCodec { path: path.to_owned(), codec });
        }
        other => {
            let codec = format!("CAF `{}`", other.escape_ascii());
            return Err(AudioFileError::UnsupportedCodec { path: path.to_owned(), codec });
        }
    };
    let table = chunks.packet_table.as_deref().unwrap_or(&[]);
    let damaged = || {
        let reason = "a CAF whose packet table is missing or damaged: it is cut short";
        AudioFileError::not_audio(path, reason)
    };
    let (head, mut sizes) = table.split_first_chunk::<24>().ok_or_else(damaged)?;
    let count = u64::from_be_bytes([
        head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7],
    ]);
    let valid = i64::from_be_bytes([
        head[8], head[9], head[10], head[11], head[12], head[13], head[14], head[15],
    ]);
    let priming = i32::from_be_bytes([head[16], head[17], head[18], head[19]]);

    let mut packets = Vec::new();
    let mut offset = 0u64;
    while (packets.len() as u64) < count && offset < bytes {
        let size = match stated.bytes_per_packet {
            0 => variable_integer(&mut sizes).ok_or_else(damaged)?,
            fixed => fixed,
        };
        if stated.frames_per_packet == 0 {
            variable_integer(&mut sizes).ok_or_else(damaged)?;
        }
        if size == 0 {
            return Err(damaged());
        }
        packets.push(PacketPlace { start: start + offset, bytes: size });
        offset += u64::from(size);
    }
    let track = PacketTrack {
        parameters,
        packets,
        delay: u64::try_from(priming).unwrap_or(0),
        length: u64::try_from(valid).ok().filter(|&valid| valid > 0),
    };
    Ok((track, order))
}

/// Takes an integer of seven bits a byte, most significant first, from the front of `bytes`.
fn variable_integer(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value = value.checked_mul(128)? | u32::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
}
