//! Audio buffers, conversion of sample rates and channel layout.
//!
//! The [`Converter`] of sample rates is for streams and realtime-safe. Everything else works on whole
//! signals and allocates.

mod buffer;
mod converter;
mod error;
mod filter;
mod layout;
mod ratio;
mod resample;

pub use buffer::Audio;
pub use converter::Converter;
pub use error::AudioError;
pub use layout::{Layout, MonoTreatment, Prepared, prepare};
pub use resample::{resample, resample_to_length, resampled_length};

/// Sample rates that files and models may have, in hertz.
///
/// Below, nothing is audio; above, no converter exists, and a header that says so is broken. Converters
/// end at 768 kHz; twice that, because plugin validators also try what lies beyond.
pub const SUPPORTED_RATES: std::ops::RangeInclusive<u32> = 1_000..=1_536_000;
