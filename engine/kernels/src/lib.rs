//! Arithmetic of the realtime CPU path: exact f32, or linear layers with smaller weights.
//!
//! Every kernel computes each of its outputs by one fixed sequence of operations, whatever the
//! number of rows, the split into threads or the instruction set: results are bit-identical for any
//! chunking of a stream, alone or beside others. Constructors allocate, and waking a team does; kernels
//! do not.
//!
//! | file | holds |
//! |---|---|
//! | `simd` | sixteen numbers at once: the trait that kernels are written against |
//! | `portable`, `avx2`, `avx512`, `x86`, `neon` | its instruction sets |
//! | `isa` | choice of the instruction set at run time |
//! | `precision`, `rounding`, `pack`, `arena` | number formats, order and memory of weights |
//! | `team` | threads that share one pass |
//! | `linear`, `integers`, `activations`, `attention`, `head`, `cached`, `moments`, `norm`, `gelu`, `rope`, `exp` | the layers |

mod activations;
mod aligned;
mod arena;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod cached;
mod denormals;
mod exp;
mod gelu;
mod head;
mod integers;
mod isa;
mod linear;
mod moments;
#[cfg(target_arch = "aarch64")]
mod neon;
mod norm;
mod pack;
mod portable;
mod precision;
mod rope;
mod rounding;
mod shared;
mod simd;
mod team;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use denormals::FlushDenormals;

pub use activations::{Outlet, Rounded, Rows};
pub use arena::{Arena, Block};
pub use attention::{Attention, AttentionScratch, KeyValues, Window};
pub use gelu::gelu;
pub use isa::Isa;
pub use linear::{Epilogue, Linear, Then};
pub use moments::Moments;
pub use norm::Norm;
pub use pack::PACKING;
pub use precision::{ParsePrecisionError, Precision};
pub use rope::Rotation;
pub use team::{Crew, Team};
