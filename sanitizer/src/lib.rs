//! LLVM's RealtimeSanitizer for the audio thread: its runtime, and a check that it detects violations.
//!
//! `tests/sanitizer` uses it; `cargo xtask sanitize` runs that.

pub mod violations;

/// Whether this build is linked with the sanitizer's runtime.
pub const SANITIZED: bool = cfg!(sanitized);

/// The sanitizer's runtime.
#[cfg(sanitized)]
pub mod runtime {
    unsafe extern "C" {
        safe fn __rtsan_realtime_enter();
        safe fn __rtsan_realtime_exit();
    }

    /// Runs `call` in a realtime context: a violation ends the program.
    pub fn realtime_context(call: &mut dyn FnMut()) {
        __rtsan_realtime_enter();
        call();
        __rtsan_realtime_exit();
    }
}

/// A substitute for builds without `RTSAN_LIB_PATH`.
#[cfg(not(sanitized))]
pub mod runtime {
    /// Runs `call` without the sanitizer.
    pub fn realtime_context(call: &mut dyn FnMut()) {
        call();
    }
}
