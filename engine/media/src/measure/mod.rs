//! Measurements: what the meters, the tables and the pictures show.
//!
//! | want | call |
//! |---|---|
//! | everything about two signals at once | [`compare()`] |
//! | one distance | [`mel_distance`], [`stft_distance`], [`si_sdr()`] |
//! | a distance while audio runs | [`LiveDistance`] |
//! | how loud a signal is | [`loudness()`] |
//! | a picture of a signal | [`Spectrogram::of`] |
//! | one column of a live picture | [`SpectrumColumn`] |
//! | what the codes of a recording carry | [`codebook_use`] |
//! | how far two encodings are the same | [`code_agreement`] |
//!
//! All but [`LiveDistance`] take whole signals; all allocate, and none is for an audio thread; only
//! [`SpectrumColumn::analyse`] and [`Stft::frame`] are realtime-safe. Arithmetic is in 64-bit floats
//! and the results do not depend on the number of threads.

mod agreement;
mod codebook;
mod column;
mod compare;
mod error;
mod level;
mod live_distance;
mod log_rows;
mod loudness;
mod mel;
mod pair;
mod si_sdr;
mod spectral;
mod spectrogram;
mod stft;
#[cfg(test)]
mod test_signals;

pub use agreement::code_agreement;
pub use codebook::{CodebookUse, LayerUse, codebook_use};
pub use column::SpectrumColumn;
pub use compare::{Distances, compare};
pub use error::MeasureError;
pub use level::{FLOOR_DBFS, dbfs};
pub use live_distance::LiveDistance;
pub use loudness::{Loudness, loudness};
pub use mel::{MEL_SCALES, MelFilterbank, hz_to_mel, mel_distance, mel_to_hz};
pub use si_sdr::{SI_SDR_LIMIT_DB, si_sdr};
pub use spectral::{STFT_SCALES, StftDistance, stft_distance};
pub use spectrogram::{Spectrogram, SpectrogramSource, SpectrogramView};
pub use stft::{Edge, Stft};
