//! MP4, M4A, 3GP and QuickTime files.

mod boxes;
mod sample_entry;
mod track;

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC};

use super::channel_order::{ChannelOrder, core_audio_layout};
use super::collector::{FileFacts, SampleCollector, Stop};
use super::decoder::make_decoder;
use super::input::AudioInput;
use super::limits::MAX_HELD_BYTES;
use super::mpeg::FrameHeader;
use super::packet_track::PacketTrack;
use super::pcm::PcmFormat;
use super::symphonia_reader::read_with_symphonia;
use super::{AudioFileError, DecodedFile, ReadWarning};
use boxes::top_boxes;
use sample_entry::{Mp4Coding, SampleEntry};
use track::Mp4Track;

/// Reads the first audio track.
pub(super) fn read_mp4(
    path: &Path,
    input: &AudioInput,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let not_audio = |reason: &str| AudioFileError::not_audio(path, reason);
    let damaged = || not_audio("an MP4 or QuickTime file whose index is damaged");
    let top =
        top_boxes(input, MAX_HELD_BYTES).map_err(|reason| AudioFileError::open(path, reason))?;
    let Some(movie) = top.movie else {
        return Err(not_audio(
            "an MP4 or QuickTime file without its index (`moov`): the recording was not finished, \
             or the file is cut short",
        ));
    };
    let tracks = Mp4Track::audio_tracks(&movie);
    let Some(track) = tracks.first() else {
        return Err(AudioFileError::NoAudioTrack {
            path: path.to_owned(),
            container: "MP4 or QuickTime".into(),
        });
    };
    let entry = track.descriptions().and_then(SampleEntry::parse).ok_or_else(damaged)?;
    let coding = entry.coding(path)?;
    if track.sample_count() == 0 && top.fragmented {
        return match coding {
            Mp4Coding::Packets(_) => read_with_symphonia(path, input.whole(), max_samples),
            Mp4Coding::Pcm(_) => Err(AudioFileError::NotSure {
                path: path.to_owned(),
                what: "PCM in a fragmented MP4".into(),
            }),
        };
    }
    let mut collector = SampleCollector::new(path, max_samples);
    if top.appended {
        collector.warn(ReadWarning::AppendedFile);
    }
    let layout = entry
        .extension(b"chan")
        .and_then(|chan| core_audio_layout(chan.get(4..)?, entry.channels()));
    let mut facts = FileFacts { other_tracks: tracks.len() - 1, ..FileFacts::default() };
    let whole = match coding {
        Mp4Coding::Pcm(format) => {
            let known = ChannelOrder::of_mask(0, format.channels);
            facts.order = Some(layout.unwrap_or(known));
            collect_pcm(track, input, &format, &mut collector)?.ok_or_else(damaged)?
        }
        Mp4Coding::Packets(parameters) => {
            let packets = track.packets(input.length()).ok_or_else(damaged)?;
            let first = packets.first().map_or(Ok(Vec::new()), |first| input.bytes(first.start, 4));
            let first = first.map_err(|reason| AudioFileError::open(path, reason))?;
            let rate = packet_rate(path, &parameters, &first)?;
            let part = track.edited_part(rate.unwrap_or(0));
            let (delay, length) = (part.delay, part.length);
            PacketTrack { parameters, packets, delay, length }.collect(input, &mut collector)?
        }
    };
    if !whole {
        facts.stop = Stop::EndOfFile;
    }
    collector.finish(facts)
}

/// Returns the rate at which a codec counts, as its own configuration states it: headers of MP4 end at 65535 Hz.
fn packet_rate(
    path: &Path,
    parameters: &AudioCodecParameters,
    first_packet: &[u8],
) -> Result<Option<u32>, AudioFileError> {
    match parameters.codec {
        CODEC_ID_AAC => {
            let decoder = make_decoder(path, parameters)?;
            Ok(decoder.codec_params().sample_rate)
        }
        // 20 bits behind the sizes of blocks and frames.
        CODEC_ID_FLAC => Ok(parameters.extra_data.as_deref().and_then(|info| {
            let bytes = info.get(10..13)?;
            Some(u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 4)
        })),
        CODEC_ID_ALAC => Ok(parameters
            .extra_data
            .as_deref()
            .and_then(|cookie| Some(u32::from_be_bytes(*cookie.get(20..)?.first_chunk()?)))),
        _ => Ok(FrameHeader::parse(first_packet).map(|header| header.rate)),
    }
}

/// Reads the chunks of an uncompressed track; returns whether all were there, `None` where the tables are damaged.
fn collect_pcm(
    track: &Mp4Track<'_>,
    input: &AudioInput,
    format: &PcmFormat,
    collector: &mut SampleCollector<'_>,
) -> Result<Option<bool>, AudioFileError> {
    let Some(chunks) = track.chunks() else { return Ok(None) };
    for chunk in chunks {
        let bytes = u64::from(chunk.samples) * format.block() as u64;
        format.collect(&mut input.section(chunk.start, bytes), collector)?;
        if chunk.start.saturating_add(bytes) > input.length() {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}
