//! The length that a file declares, and its reliability.

use symphonia::core::codecs::audio::well_known as codec_id;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};
use symphonia::core::formats::well_known::FORMAT_ID_WAVE;
use symphonia::core::formats::{FormatReader, Track};

use super::Audio;

/// Missing samples that are tolerated where containers count in whole packets.
const PACKET_SLACK: u64 = 4096;

/// Removes the encoder's delay and padding that the container states and the decoder leaves in.
///
/// symphonia's MPEG and Vorbis decoders remove them packet by packet; its other decoders do not.
pub(super) fn trim(audio: &mut Audio, track: &Track, codec: AudioCodecId) {
    let trims_itself = [
        codec_id::CODEC_ID_MP1,
        codec_id::CODEC_ID_MP2,
        codec_id::CODEC_ID_MP3,
        codec_id::CODEC_ID_VORBIS,
    ];
    if trims_itself.contains(&codec) || (track.delay.is_none() && track.padding.is_none()) {
        return;
    }
    let delay = track.delay.unwrap_or(0) as usize;
    let end = match track.num_frames.and_then(|frames| usize::try_from(frames).ok()) {
        Some(frames) => delay.saturating_add(frames),
        None => audio.len().saturating_sub(track.padding.unwrap_or(0) as usize),
    };
    for channel in &mut audio.channels {
        channel.truncate(end);
        channel.drain(..delay.min(channel.len()));
    }
}

/// Returns the declared samples of a channel, none where the number is a guess or a placeholder.
pub(super) fn declared_frames(track: &Track, parameters: &AudioCodecParameters) -> Option<u64> {
    let frames = track.num_frames?;
    let mpeg = [codec_id::CODEC_ID_MP1, codec_id::CODEC_ID_MP2, codec_id::CODEC_ID_MP3];
    // Without a LAME tag, symphonia guesses the length from the bitrate.
    if mpeg.contains(&parameters.codec) && track.delay.is_none() {
        return None;
    }
    // Bare ADTS has no header for the whole file, so that its length is a guess too.
    if parameters.codec == codec_id::CODEC_ID_AAC && parameters.extra_data.is_none() {
        return None;
    }
    (!is_placeholder(track, parameters)).then_some(frames)
}

/// Returns true for WAV files that were written before their length was known.
pub(super) fn has_open_end(
    format: &dyn FormatReader,
    track: &Track,
    parameters: &AudioCodecParameters,
) -> bool {
    format.format_info().format == FORMAT_ID_WAVE
        && (track.num_frames.is_none() || is_placeholder(track, parameters))
}

/// Returns true for the placeholder sizes that programs write when they send WAV to a pipe.
fn is_placeholder(track: &Track, parameters: &AudioCodecParameters) -> bool {
    let Some(bits) = parameters.bits_per_coded_sample.or(parameters.bits_per_sample) else {
        return false;
    };
    let frames = track.num_frames.unwrap_or(0);
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    let bytes = frames.saturating_mul(channels as u64).saturating_mul(u64::from(bits)) / 8;
    bytes >= 0xFFFF_F000 || (0x7FFF_E000..=0x8000_0000).contains(&bytes)
}

/// Returns true for codecs whose files may count the last packet as if it were full.
fn counts_in_packets(codec: AudioCodecId) -> bool {
    let codecs = [
        codec_id::CODEC_ID_MP1,
        codec_id::CODEC_ID_MP2,
        codec_id::CODEC_ID_MP3,
        codec_id::CODEC_ID_AAC,
        codec_id::CODEC_ID_VORBIS,
        codec_id::CODEC_ID_ALAC,
    ];
    codecs.contains(&codec)
}

/// Returns true if `read` samples are fewer than `declared` by more than the container's precision.
pub(super) fn is_short(read: u64, declared: u64, codec: AudioCodecId) -> bool {
    declared > read + if counts_in_packets(codec) { PACKET_SLACK } else { 0 }
}
