//! Audio files, rate conversion and layout, through the public interface.

mod audio_converter;
mod audio_layout;
mod audio_read;
mod audio_resample;
mod audio_write;
mod damaged_audio;
mod signals;
