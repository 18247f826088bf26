//! Bounds on what a configuration may ask for, checked before anything is allocated.

/// Largest width of any activation, in numbers.
pub(super) const MAX_WIDTH: usize = 1 << 16;
/// Largest attention window, in positions.
pub(super) const MAX_CONTEXT: usize = 1 << 20;
/// Most numbers (4 bytes each) in the caches and buffers of one stream on one side of the model. v2, the
/// largest published model, needs a sixth of it.
pub(super) const MAX_STREAM_NUMBERS: usize = 1 << 28;
/// Most steps of a lane in one pass of the native kernels, unless a single frame has more: enough to
/// reuse each weight while it is in the cache, few enough for small KV caches.
pub(super) const MAX_PASS_STEPS: usize = 64;
