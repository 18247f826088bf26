//! Arithmetic of the codec on the CPU: packed linear layers, windowed attention, norms, and the thread pool
//! that runs them.
//!
//! Every kernel computes each output by one fixed sequence of operations, whatever the number of rows, the
//! split into threads or the instruction set: results are bit-identical for any chunking of a stream, alone
//! or beside others. Constructors allocate, and [`ThreadPool::run`] wakes threads; kernels do neither.
//!
//! | module | contents |
//! |---|---|
//! | `simd`, `prefetch` | sixteen-lane vector interface of the kernels; software prefetch |
//! | `portable`, `avx2`, `avx512`, `x86`, `neon` | its instruction sets |
//! | `isa`, `machine_limits` | runtime dispatch; what this machine can do at most |
//! | `precision`, `weight_quantization`, `pack`, `arena` | number formats, layout and memory of weights |
//! | `activation_quantization` | rows as int8 |
//! | `thread_pool`, `sync`, `disjoint_mut` | parallel loops; std or loom primitives; writes to disjoint parts |
//! | `priority` | the priority of threads that a live path waits for |
//! | `linear`, `gemm` | linear layers: interface and kernels |
//! | `attention`, `attention_head`, `kv_cache`, `kv_element`, `rope` | attention |
//! | `affine`, `codebook` | the quantizer: affine maps of one vector, search of a codebook |
//! | `norm`, `moments`, `gelu`, `exp`, `fused_multiply_add` | norms and functions |
//! | `denormals`, `aligned_buffer` | flush-to-zero mode; cache-line-aligned buffers |

mod activation_quantization;
mod affine;
mod aligned_buffer;
mod arena;
mod attention;
mod attention_head;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod codebook;
mod denormals;
mod disjoint_mut;
mod exp;
mod fused_multiply_add;
mod gelu;
mod gemm;
mod isa;
mod kv_cache;
mod kv_element;
mod linear;
mod machine_limits;
mod moments;
#[cfg(target_arch = "aarch64")]
mod neon;
mod norm;
mod pack;
mod portable;
mod precision;
mod prefetch;
mod priority;
mod rope;
mod simd;
mod sync;
mod thread_pool;
mod weight_quantization;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use activation_quantization::{LinearInput, LinearInputBuffer, QuantizedRows};
pub use affine::Affine;
pub use arena::{Arena, ArenaBlock};
pub use attention::{Attention, AttentionScratch, AttentionStream, AttentionWindow};
pub use codebook::{Codebook, normalize};
pub use denormals::FlushDenormals;
pub use fused_multiply_add::fused_multiply_add;
pub use gelu::gelu;
pub use isa::{Isa, IsaError};
pub use kv_cache::KvCache;
pub use linear::{Epilogue, Linear, PostOp};
pub use machine_limits::MachineLimits;
pub use moments::Moments;
pub use norm::Norm;
pub use pack::PACKING_VERSION;
pub use precision::{ParsePrecisionError, Precision};
pub use priority::RaisedPriority;
pub use rope::RopeTable;
pub use thread_pool::{MAX_THREADS, ThreadPool, Workers};
