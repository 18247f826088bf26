//! LLVM's RealtimeSanitizer for the audio thread: its runtime, and proof that it works.
//!
//! `tests/sanitizer` is what it is for; `cargo xtask sanitize` runs that.

pub mod violations;

/// Whether there is a runtime to watch.
pub const WATCHES: bool = cfg!(sanitized);

/// The sanitizer's runtime.
#[cfg(sanitized)]
pub mod runtime {
    unsafe extern "C" {
        safe fn __rtsan_realtime_enter();
        safe fn __rtsan_realtime_exit();
    }

    /// Runs `call` under the sanitizer's eyes.
    pub fn watch(call: &mut dyn FnMut()) {
        __rtsan_realtime_enter();
        call();
        __rtsan_realtime_exit();
    }
}

/// What stands in for it where `RTSAN_LIB_PATH` named none at build time.
#[cfg(not(sanitized))]
pub mod runtime {
    /// Runs `call`, unwatched.
    pub fn watch(call: &mut dyn FnMut()) {
        call();
    }
}
