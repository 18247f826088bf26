//! Decoders of symphonia, made only for what they decode surely.
//!
//! | codec | not sure | the reason |
//! |---|---|---|
//! | Vorbis | more than two channels | chained coupling steps are undone in the wrong order; `vorbis` decodes these |
//! | AAC | anything but AAC-LC in mono or stereo | refused by the decoder itself |
//! | ALAC | more than two channels | layouts without a test |

use std::path::Path;

use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;

use super::codec_name::codec_name;
use super::limits::MAX_CHANNELS;
use super::{AudioFileError, SUPPORTED_RATES};

/// Most samples a channel that a packet may hold: above every codec's largest block.
const MAX_PACKET_FRAMES: u64 = 1 << 17;

/// Returns a decoder for `parameters`.
///
/// # Errors
/// [`AudioFileError::NotSure`] for what symphonia decodes wrong, [`AudioFileError::UnsupportedCodec`] for what it
/// does not decode, and errors for rates, channels and packets that no audio file has.
pub(super) fn make_decoder(
    path: &Path,
    parameters: &AudioCodecParameters,
) -> Result<Box<dyn AudioDecoder>, AudioFileError> {
    let path = || path.to_owned();
    if let Some(what) = not_sure(parameters) {
        return Err(AudioFileError::NotSure { path: path(), what });
    }
    if parameters.max_frames_per_packet.is_some_and(|frames| frames > MAX_PACKET_FRAMES) {
        let reason = "its header declares packets larger than any codec has".into();
        return Err(AudioFileError::NotAudio { path: path(), reason });
    }
    let decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| match error {
            SymphoniaError::Unsupported(_) => AudioFileError::UnsupportedCodec {
                path: path(),
                codec: codec_name(parameters.codec),
            },
            other => AudioFileError::NothingDecoded { path: path(), reason: other.to_string() },
        })?;
    check_declared(path(), parameters)?;
    Ok(decoder)
}

fn check_declared(
    path: std::path::PathBuf,
    parameters: &AudioCodecParameters,
) -> Result<(), AudioFileError> {
    match (parameters.sample_rate, &parameters.channels) {
        (Some(rate), _) if !SUPPORTED_RATES.contains(&rate) => {
            Err(AudioFileError::FileRate { path, rate })
        }
        (_, Some(channels)) if channels.count() == 0 => Err(AudioFileError::NoChannels { path }),
        (_, Some(channels)) if channels.count() > MAX_CHANNELS => {
            Err(AudioFileError::TooManyChannels { path, channels: channels.count() })
        }
        _ => Ok(()),
    }
}

/// Returns the reason why symphonia does not decode `parameters` surely.
fn not_sure(parameters: &AudioCodecParameters) -> Option<String> {
    let extra = parameters.extra_data.as_deref().unwrap_or(&[]);
    let declared = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    let channels = match parameters.codec {
        id::CODEC_ID_ALAC => alac_channels(extra).unwrap_or(declared),
        _ => return None,
    };
    (channels > 2).then(|| {
        let name = codec_name(parameters.codec);
        format!("{name} of {channels} channels")
    })
}

/// Returns the channels in an ALAC cookie without wrapping.
fn alac_channels(cookie: &[u8]) -> Option<usize> {
    let wrapped = cookie.get(4..8).is_some_and(|id| id == b"frma" || id == b"alac");
    (!wrapped).then(|| cookie.get(9).map(|&channels| usize::from(channels)))?
}
