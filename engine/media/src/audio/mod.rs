//! Audio buffers, files, conversion of sample rates and channel layout.
//!
//! The [`RateConverter`] of sample rates is for streams and realtime-safe. Everything else works on
//! whole files and allocates.
//!
//! ```no_run
//! use residue_media::audio::{MonoTreatment, prepare, read, write};
//!
//! # fn main() -> Result<(), residue_media::audio::AudioError> {
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

#[cfg(feature = "files")]
mod files;

#[cfg(feature = "files")]
pub use files::*;
pub use residue_core::audio::*;
