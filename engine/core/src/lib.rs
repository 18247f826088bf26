//! The foundation of the engine's crates: audio buffers, the rate converter, channel layout, arrays of
//! codes, and small helpers for files.
//!
//! | module | holds |
//! |---|---|
//! | [`audio`] | buffers, conversion of sample rates, channel layout |
//! | [`codes`] | arrays of codes, and whether they fit a model |
//! | [`atomic_file`], [`small_file`] | files that are there whole or not at all, files that are read whole |

pub mod atomic_file;
pub mod audio;
pub mod codes;
mod gcd;
mod hex;
pub mod small_file;

pub use gcd::gcd;
pub use hex::hex;
pub use residue_kernels::FlushDenormals;
