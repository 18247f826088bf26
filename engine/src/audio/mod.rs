//! Audio buffers, files, resampling and channel layout.

mod buffer;

pub use buffer::Audio;
