//! Residue's engine: everything that is not a window or a host.
//!
//! Data flows one way: audio files and devices -> [`live`] or [`offline`] -> [`codec`] -> [`measure`]
//! and back to audio.
//!
//! | module | holds |
//! |---|---|
//! | [`audio`] | audio buffers, files in (any container symphonia reads) and out, conversion of sample rates, channel layout |
//! | [`blind`] | blind listening tests: ABX, threshold, rating |
//! | [`codec`] | the Cat model: configuration, checkpoint, encoder and decoder, quantizer, streaming state |
//! | [`kernels`] | the CPU's arithmetic: packed linear layers, windowed attention, norms |
//! | [`live`] | the realtime path: audio port, worker, lanes, latency, overload |
//! | [`measure`] | distances between signals, loudness, spectrograms |
//! | [`offline`] | whole files through the codec |
//! | [`models`] | known models, discovery, download, verification, the embedded default |
//! | [`tokens`] | code arrays and their files |

mod atomic_file;
pub mod audio;
pub mod blind;
pub mod codec;
mod hex;
pub mod kernels;
pub mod live;
pub mod measure;
pub mod models;
pub mod offline;
mod small_file;
pub mod tokens;

pub use hex::hex;
