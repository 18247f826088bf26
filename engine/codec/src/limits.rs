//! Bounds on what the files of a model may ask for, checked before memory is taken.
//!
//! Files: a `config.json` has at most [`MAX_CONFIG_BYTES`], a shard index at most [`MAX_INDEX_BYTES`] and
//! [`MAX_SHARDS`] shards, the headers of all safetensors files of a model together at most
//! [`MAX_HEADER_BYTES`]. Parsed, they take up to about twenty times as much memory. A tensor takes memory only
//! if the file really holds its bytes.
//!
//! Running: the streaming state of a lane takes at most [`lane_limit`] bytes, by the size of the weights
//! ([`lane_memory`](super::lane_memory)). Two lanes and two streams, the most that plugin and app run of one
//! model at once, take twice that.

/// Largest `config.json`, in bytes. The published ones have 10 KB.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// Largest shard index, in bytes. The published ones have 200 KB.
pub const MAX_INDEX_BYTES: u64 = 4 << 20;
/// Most shards of a model.
pub(super) const MAX_SHARDS: usize = 1024;
/// Largest size of the safetensors headers of a model together, in bytes. The published ones have 300 KB.
pub(super) const MAX_HEADER_BYTES: u64 = 8 << 20;
/// Largest index of a packed file, in bytes.
pub(super) const MAX_PACKED_INDEX_BYTES: u64 = 8 << 20;
/// Largest width of any activation, in numbers.
pub(super) const MAX_WIDTH: usize = 1 << 16;
/// Largest attention window, in positions. The published ones have up to 1600.
pub(super) const MAX_CONTEXT: usize = 1 << 15;
/// Longest frame, in seconds. The published ones have 0.08. Latency and all buffers of live audio grow with it.
pub(super) const MAX_FRAME_SECONDS: f64 = 2.0;
/// Most steps of a lane in one pass of the native kernels, unless a single frame has more: enough to
/// reuse each weight while it is in the cache, few enough for small KV caches.
pub(super) const MAX_PASS_STEPS: usize = 64;

/// Most steps of a pass that several states share, those of all lanes together: more no longer fit the caches
/// beside the weights. Passes of 640 steps of Nano were measured slower than passes of 64 one after the other.
pub(super) const MAX_SHARED_STEPS: usize = 256;

/// Most bytes of the streaming state of a lane, whatever the weights. v2, the largest published model, takes
/// two thirds of it.
const MAX_LANE_BYTES: u64 = 640 << 20;
/// Bytes of streaming state that the smallest model may take.
const MIN_LANE_BYTES: u64 = 32 << 20;

/// Returns the most bytes that the streaming state of a lane may take, for a model of `parameters` numbers:
/// 32 MiB and four times the weights in f32, and never more than 640 MiB.
///
/// Small files would otherwise ask for large memory: the attention windows are only numbers in the
/// configuration.
pub(super) fn lane_limit(parameters: u64) -> u64 {
    parameters.saturating_mul(16).saturating_add(MIN_LANE_BYTES).min(MAX_LANE_BYTES)
}
