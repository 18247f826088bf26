//! Audio buffers, conversion of sample rates and channel layout.
//!
//! The [`RateConverter`] of sample rates is for streams and realtime-safe. Everything else works on whole
//! signals and allocates.

mod buffer;
mod error;
mod polyphase_filter;
mod rate_converter;
mod rate_ratio;
mod resample;
mod speaker_mask;
mod stream_layout;

pub use buffer::Audio;
pub use error::AudioError;
pub use rate_converter::RateConverter;
pub use resample::{resample, resample_to_length, resampled_length};
pub use speaker_mask::SpeakerMask;
pub use stream_layout::{MonoTreatment, PreparedAudio, StreamLayout, prepare_audio};

/// Sample rates that files and models may have, in hertz.
///
/// Below, nothing is audio; above, no converter exists, and a header that says so is broken. Converters
/// end at 768 kHz; twice that, because plugin validators also try what lies beyond.
pub const SUPPORTED_RATES: std::ops::RangeInclusive<u32> = 1_000..=1_536_000;
