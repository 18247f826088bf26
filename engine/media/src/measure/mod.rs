//! Measurements: what the meters, the tables and the pictures show.
//!
//! | want | call |
//! |---|---|
//! | everything about two signals at once | [`signal_distances()`] |
//! | one distance | [`mel_distance`], [`stft_distance`], [`si_sdr()`] |
//! | a distance while audio runs | [`StreamingMelDistance`] |
//! | how loud a signal is | [`loudness()`] |
//! | a picture of a signal | [`Spectrogram::of`] |
//! | one column of a live picture | [`SpectrumColumn`] |
//! | what the codes of a recording carry | [`codebook_usage`] |
//! | how far two encodings are the same | [`code_agreement`] |
//!
//! All but [`StreamingMelDistance`] take whole signals; all allocate, and none is for an audio thread; only
//! [`SpectrumColumn::analyse`] and [`Stft::frame`] are realtime-safe. Arithmetic is in 64-bit floats
//! and the results do not depend on the number of threads.

mod agreement;
mod codebook;
mod column;
mod error;
mod level;
mod log_rows;
mod loudness;
mod mel;
mod si_sdr;
mod signal_distances;
mod signal_pair;
mod spectral;
mod spectrogram;
mod stft;
mod streaming_mel_distance;
#[cfg(test)]
mod test_signals;

pub use agreement::code_agreement;
pub use codebook::{CodebookUsage, LayerUsage, codebook_usage};
pub use column::SpectrumColumn;
pub use error::MeasureError;
pub use level::{FLOOR_DBFS, dbfs};
pub use loudness::{Loudness, loudness};
pub use mel::{MEL_RESOLUTIONS, MelFilterbank, hz_to_mel, mel_distance, mel_to_hz};
pub use si_sdr::{SI_SDR_LIMIT_DB, si_sdr};
pub use signal_distances::{SignalDistances, signal_distances};
pub use spectral::{STFT_RESOLUTIONS, StftDistance, stft_distance};
pub use spectrogram::{Spectrogram, SpectrogramSource, SpectrogramView};
pub use stft::{Edge, Stft};
pub use streaming_mel_distance::StreamingMelDistance;
