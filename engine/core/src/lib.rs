//! The foundation of the engine's crates: audio buffers, the rate converter, channel layout, arrays of
//! codes, and small helpers for files.
//!
//! | module | holds |
//! |---|---|
//! | [`audio`] | buffers, conversion of sample rates, channel layout |
//! | [`codes`] | arrays of codes, and whether they fit a model |
//! | [`delay_line`], [`ramp`], [`random`] | small signal processing: delays, gain ramps, SplitMix64 |
//! | [`output_file`], [`atomic_file`] | files written as fits what stands at their path; atomic replacement |
//! | [`temporary_file`] | files under temporary names, and their removal at the end of a process |
//! | [`small_file`] | bounded reading of small files |

pub mod atomic_file;
pub mod audio;
pub mod codes;
pub mod delay_line;
mod file_facts;
mod gcd;
mod hex;
pub mod output_file;
pub mod ramp;
pub mod random;
pub mod small_file;
pub mod temporary_file;

pub use gcd::gcd;
pub use hex::hex;
pub use residue_kernels::{FlushDenormals, RaisedPriority};
