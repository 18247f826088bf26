//! Arithmetic of the realtime CPU path, in exact f32.
//!
//! Every kernel computes each of its outputs by one fixed sequence of operations, whatever the
//! number of rows, the split into threads or the instruction set: results are bit-identical for any
//! chunking of a stream, alone or beside others. Constructors allocate, and waking a team does; kernels
//! do not.
//!
//! | file | holds |
//! |---|---|
//! | `simd` | sixteen f32 numbers at once: the trait that kernels are written against |
//! | `portable`, `avx2`, `avx512` | its instruction sets |
//! | `isa` | choice of the instruction set at run time |
//! | `team` | threads that share one pass |
//! | `linear`, `attention`, `norm`, `gelu`, `rope`, `exp` | the layers |

mod aligned;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod denormals;
mod exp;
mod gelu;
mod isa;
mod linear;
mod norm;
mod portable;
mod rope;
mod shared;
mod simd;
mod team;

pub(crate) use denormals::FlushDenormals;

pub use attention::{Attention, AttentionScratch, KeyValues, Window};
pub use gelu::gelu;
pub use isa::Isa;
pub use linear::{Epilogue, Linear};
pub use norm::{layer_norm, rms_norm};
pub use rope::Rotation;
pub use team::{Crew, Team};
