//! Audio files in and out.

mod codec_name;
mod collector;
mod container;
mod declared;
mod decoded_file;
mod error;
mod read;
mod warning;
mod wav_header;
mod wav_writer;
mod write;

use residue_core::audio::{Audio, SUPPORTED_RATES};

pub use decoded_file::DecodedFile;
pub use error::AudioFileError;
pub use read::{MAX_SAMPLES, read, read_bytes, read_with_limit};
pub use warning::ReadWarning;
pub use wav_header::WavFormat;
pub use wav_writer::WavWriter;
pub use write::{write, write_to};
