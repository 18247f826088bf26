//! Audio files in and out.

mod codec_name;
mod collector;
mod container;
mod declared;
mod read;
mod warning;
mod write;

use residue_core::audio::{Audio, AudioError, SUPPORTED_RATES};

pub use read::{DecodedFile, MAX_SAMPLES, read, read_bytes, read_with_limit};
pub use warning::ReadWarning;
pub use write::write;
