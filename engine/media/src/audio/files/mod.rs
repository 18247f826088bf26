//! Audio files in and out.

mod aiff;
mod caf;
mod channel_order;
mod codec_name;
mod collector;
mod container;
mod decoded_file;
mod decoder;
mod ending;
mod error;
mod esds;
mod ffmpeg;
mod flac;
mod input;
mod limits;
mod mp4;
mod mpeg;
mod packet_track;
mod pcm;
mod read;
mod symphonia_reader;
mod vorbis;
mod warning;
mod wav_header;
mod wav_writer;
mod wave;
mod wave_format;
mod write;

use residue_core::audio::{Audio, SUPPORTED_RATES};

pub use decoded_file::DecodedFile;
pub use error::AudioFileError;
pub use ffmpeg::{Ffmpeg, FfmpegLimits};
pub use limits::{MAX_CHANNELS, MAX_LEVEL, MAX_SAMPLES};
pub use read::{ReadOptions, read, read_bytes, read_with};
pub use warning::ReadWarning;
pub use wav_header::WavFormat;
pub use wav_writer::WavWriter;
pub use write::{write, write_to};
