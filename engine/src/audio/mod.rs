//! Audio buffers, files, conversion of sample rates and channel layout.
//!
//! The [`Converter`] of sample rates is for streams and realtime-safe. Everything else works on
//! whole files and allocates.
//!
//! ```no_run
//! use residue_engine::audio::{MonoTreatment, prepare, read, write};
//!
//! # fn main() -> Result<(), residue_engine::audio::AudioError> {
//! let decoded = read("voice.flac".as_ref())?;
//! for warning in &decoded.warnings {
//!     eprintln!("voice.flac: {warning}");
//! }
//! let prepared = prepare(&decoded.audio, 48_000, 2, 3840, MonoTreatment::Dual)?;
//! // Run every stream through the codec, then:
//! let restored = prepared.layout.restore(&prepared.streams)?;
//! write("out.wav".as_ref(), &restored)?;
//! # Ok(())
//! # }
//! ```

mod buffer;
mod codec_name;
mod collector;
mod container;
mod converter;
mod declared;
mod error;
mod filter;
mod layout;
mod ratio;
mod read;
mod resample;
mod warning;
mod write;

pub use buffer::Audio;
pub use converter::Converter;
pub use error::AudioError;
pub use layout::{Layout, MonoTreatment, Prepared, prepare};
pub use read::{Decoded, MAX_SAMPLES, read, read_bytes, read_with_limit};
pub use resample::{resample, resample_to_length, resampled_length};
pub use warning::ReadWarning;
pub use write::write;

/// Sample rates that files and models may have, in hertz.
///
/// Below, nothing is audio; above, no converter exists, and a header that says so is broken.
pub const SUPPORTED_RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
