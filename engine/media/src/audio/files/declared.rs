//! What a file declares about its length, and how far that can be believed.

use symphonia::core::codecs::audio::well_known as codec_id;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};
use symphonia::core::formats::well_known::FORMAT_ID_WAVE;
use symphonia::core::formats::{FormatReader, Track};

use super::Audio;

/// Missing samples that mean nothing where containers count in whole packets.
const PACKET_SLACK: u64 = 4096;

/// Removes the encoder's delay and padding that the container states and the decoder leaves in.
///
/// symphonia's MPEG and Vorbis decoders do it themselves, packet by packet; the others do not.
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

/// Samples a channel that the file declares, where that number can be believed.
pub(super) fn declared_frames(track: &Track, parameters: &AudioCodecParameters) -> Option<u64> {
    let frames = track.num_frames?;
    let mpeg = [codec_id::CODEC_ID_MP1, codec_id::CODEC_ID_MP2, codec_id::CODEC_ID_MP3];
    // Without a LAME tag, symphonia guesses the length from the bitrate.
    if mpeg.contains(&parameters.codec) && track.delay.is_none() {
        return None;
    }
    // Bare ADTS has no header for the whole file: a guess as well.
    if parameters.codec == codec_id::CODEC_ID_AAC && parameters.extra_data.is_none() {
        return None;
    }
    (!is_placeholder(track, parameters)).then_some(frames)
}

/// True for WAV files that were written without knowing how long they would get.
pub(super) fn has_open_end(
    format: &dyn FormatReader,
    track: &Track,
    parameters: &AudioCodecParameters,
) -> bool {
    format.format_info().format == FORMAT_ID_WAVE
        && (track.num_frames.is_none() || is_placeholder(track, parameters))
}

/// True for the sizes that programs store when they write WAV to a pipe and cannot know the size.
fn is_placeholder(track: &Track, parameters: &AudioCodecParameters) -> bool {
    let Some(bits) = parameters.bits_per_coded_sample.or(parameters.bits_per_sample) else {
        return false;
    };
    let frames = track.num_frames.unwrap_or(0);
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    let bytes = frames.saturating_mul(channels as u64).saturating_mul(u64::from(bits)) / 8;
    bytes >= 0xFFFF_F000 || (0x7FFF_E000..=0x8000_0000).contains(&bytes)
}

/// True for codecs whose files may declare the length of the last packet as if it were full.
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

/// True if `read` samples are fewer than `declared` by more than the container's precision.
pub(super) fn is_short(read: u64, declared: u64, codec: AudioCodecId) -> bool {
    declared > read + if counts_in_packets(codec) { PACKET_SLACK } else { 0 }
}
