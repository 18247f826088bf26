//! Residue's engine: everything that is not a window or a host.
//!
//! A facade over small crates, whose modules stand here under one name, and the place where the codec
//! and the live path meet.
//!
//! Data flows one way: audio files and devices -> [`live`] or [`offline`] -> [`codec`] -> [`measure`]
//! and back to audio.
//!
//! | module | holds |
//! |---|---|
//! | [`atomic_file`], [`output_file`], [`temporary_file`] | files that are there whole or not at all; outputs to anything that stands at a path |
//! | [`audio`] | audio buffers, files in (any container symphonia reads) and out, conversion of sample rates, channel layout |
//! | [`blind`] | blind listening tests: ABX, threshold, rating |
//! | [`codec`] | the Cat model: configuration, checkpoint, encoder and decoder, quantizer, streaming state |
//! | [`codec_at_rate`] | the notation `CODEC:RATE[@PRECISION]`: any codec at a bitrate |
//! | [`conventional`] | Opus and G.711, frame by frame |
//! | [`dsp`] | delay line, gain ramps, SplitMix64 |
//! | [`exactness`] | a model's results compared with those of the reference implementation |
//! | [`kernels`] | the CPU's arithmetic: packed linear layers, windowed attention, norms |
//! | [`live`] | the realtime path: audio port, worker, lanes, latency, overload; codecs and codes as its models |
//! | [`measure`] | distances between signals, loudness, spectrograms |
//! | [`offline`] | whole files through the codec |
//! | [`models`] | known models, discovery, download, verification, the embedded default |
//! | [`saved_versions`] | settings and states that several versions of a program read and write |
//! | [`small_file`] | small files, read whole up to a limit |
//! | [`tokens`] | code arrays and their files |

pub mod codec_at_rate;
mod codec_job;
mod codec_model;
mod conventional_file;
pub mod exactness;
mod frame_source;
mod frame_transmission;
pub mod offline;
mod output_check;
mod playback;
pub mod saved_versions;
mod token_feed;
mod token_model;

pub use residue_blind as blind;
pub use residue_codec as codec;
pub use residue_conventional as conventional;
pub use residue_core::{atomic_file, hex, output_file, small_file, temporary_file};
pub use residue_kernels as kernels;
pub use residue_media::{audio, measure, tokens};
pub use residue_models as models;

/// Small signal processing that plugin and app share with the live path.
pub mod dsp {
    pub use residue_core::delay_line::DelayLine;
    pub use residue_core::ramp::{Ramp, SlewLimiter};
    pub use residue_core::random::SplitMix64;
}

/// The realtime path, and the codec and streams of codes as models of it.
pub mod live {
    pub use crate::codec_model::{CodecModel, SharedCodecModel, SingleLaneModel, shares_passes};
    pub use crate::playback::Playback;
    pub use crate::token_feed::TokenFeed;
    pub use crate::token_model::{TokenModel, token_feed, token_playback};
    pub use residue_live::*;
}
