//! Audio files, rate conversion and layout, through the public interface.

mod audio_converter;
mod audio_layout;
mod audio_read;
mod audio_resample;
mod audio_write;
mod bounds;
mod core_corpus;
mod damaged_audio;
#[cfg(unix)]
mod ffmpeg;
mod mpeg_files;
#[cfg(unix)]
mod pipes;
mod signals;
mod wave_files;
