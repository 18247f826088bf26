//! Limits that the configuration is checked against and that the executors keep.
//!
//! They are here, beneath both, so that checking a configuration does not depend on what runs it.

/// Maximum number of steps of a lane in one pass of the native executor, unless one frame has more: enough
/// to reuse each weight, few enough for small KV caches.
pub(super) const MAX_PASS_STEPS: usize = 64;
