//! Measurements for meters, tables and pictures.
//!
//! | measurement | call |
//! |---|---|
//! | all distances between two signals | [`signal_distances()`] |
//! | one distance | [`mel_distance`], [`stft_distance()`], [`si_sdr()`] |
//! | a distance of running audio | [`StreamingMelDistance`] |
//! | loudness | [`loudness()`] |
//! | true peak, and what is over full scale | [`headroom()`] |
//! | audible error: noise-to-mask ratio | [`noise_to_mask()`] |
//! | spectrogram of a signal | [`Spectrogram::of`] |
//! | one column of a live spectrogram | [`SpectrumColumn`] |
//! | use and entropy of codebooks | [`codebook_usage()`] |
//! | agreement of two encodings | [`code_agreement()`] |
//!
//! All but [`StreamingMelDistance`] take whole signals. Only [`SpectrumColumn::analyse`] and [`Stft::frame`] are
//! realtime-safe; everything else allocates. Arithmetic is in f64, and results do not depend on the number of
//! threads.

mod code_agreement;
mod codebook_usage;
mod decibels;
mod error;
mod headroom;
mod log_frequency_axis;
mod loudness;
mod mel;
mod noise_to_mask;
mod si_sdr;
mod signal_distances;
mod signal_pair;
mod spectrogram;
mod spectrum_column;
mod stft;
mod stft_distance;
mod streaming_mel_distance;
#[cfg(test)]
mod test_signals;

pub use code_agreement::code_agreement;
pub use codebook_usage::{CodebookUsage, LayerUsage, codebook_usage};
pub use decibels::{FLOOR_DBFS, dbfs};
pub use error::MeasureError;
pub use headroom::{Headroom, headroom};
pub use loudness::{Loudness, loudness};
pub use mel::{MEL_RESOLUTIONS, MelFilterbank, hz_to_mel, mel_distance, mel_to_hz};
pub use noise_to_mask::{NMR_FLOOR_DB, NoiseToMask, noise_to_mask};
pub use si_sdr::{SI_SDR_LIMIT_DB, si_sdr};
pub use signal_distances::{SignalDistances, signal_distances};
pub use spectrogram::{Spectrogram, SpectrogramSource, SpectrogramView};
pub use spectrum_column::SpectrumColumn;
pub use stft::{EdgePadding, Stft};
pub use stft_distance::{STFT_RESOLUTIONS, StftDistance, stft_distance};
pub use streaming_mel_distance::StreamingMelDistance;
