//! Audio files, rate conversion and layout, through the public interface.

mod audio_converter;
mod audio_layout;
mod audio_read;
mod audio_resample;
mod audio_write;
mod core_corpus;
mod damaged_audio;
mod mpeg_files;
mod signals;
mod wave_files;
