//! Audio files, files and streams of tokens, and measurements.
//!
//! | module | holds |
//! |---|---|
//! | [`audio`] | audio files in (`docs/formats.md`) and out, with the feature `files` |
//! | [`measure`] | distances between signals, loudness, spectrograms |
//! | [`tokens`] | files and streams of codes |

pub mod audio;
pub mod measure;
pub mod tokens;
