//! Decoders of symphonia, made only for what they decode surely.
//!
//! | codec | not sure | the reason |
//! |---|---|---|
//! | Vorbis | more than two channels | chained coupling steps are undone in the wrong order; `vorbis` decodes these |
//! | AAC | rates up to 24 kHz, where the file does not say that they are all | the upper band of HE-AAC may be missing |
//! | AAC | anything but AAC-LC in mono or stereo | refused by the decoder itself |

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
    if let Some(what) = not_sure(parameters) {
        return Err(AudioFileError::NotSure { path: path.to_owned(), what });
    }
    if parameters.max_frames_per_packet.is_some_and(|frames| frames > MAX_PACKET_FRAMES) {
        let reason = "its header declares packets larger than any codec has";
        return Err(AudioFileError::not_audio(path, reason));
    }
    let decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| match error {
            SymphoniaError::Unsupported(_) => AudioFileError::UnsupportedCodec {
                path: path.to_owned(),
                codec: codec_name(parameters.codec),
            },
            other => {
                AudioFileError::NothingDecoded { path: path.to_owned(), reason: other.to_string() }
            }
        })?;
    check_declared(path.to_owned(), parameters)?;
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

/// Returns the form of audio where symphonia does not decode it surely.
fn not_sure(parameters: &AudioCodecParameters) -> Option<String> {
    /// Highest rate of the core that HE-AAC doubles, in hertz.
    const MAX_CORE_RATE: u32 = 24_000;
    /// Frequency index of 24 kHz; higher ones are lower rates.
    const CORE_INDEX: u8 = 6;
    if parameters.codec != id::CODEC_ID_AAC {
        return None;
    }
    let doubtful = match parameters.extra_data.as_deref() {
        // Object type in 5 bits, frequency in 4, channels in 4, and 3 flags. A marker and a flag behind them say whether
        // an upper band follows.
        Some(configuration @ [first, second, ..]) => {
            let index = (first & 7) << 1 | second >> 7;
            match configuration.get(2..5) {
                Some([0x56, 0xE5, flag]) => flag & 0x80 != 0,
                _ => (CORE_INDEX..=12).contains(&index),
            }
        }
        _ => parameters.sample_rate.is_some_and(|rate| rate <= MAX_CORE_RATE),
    };
    doubtful.then(|| "AAC at 24 kHz or less, which may be HE-AAC with an upper band,".to_owned())
}
