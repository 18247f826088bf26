//! Flush-to-zero mode for denormal numbers while kernels run.
//!
//! An operation on denormals, which appear where a signal decays, costs about a hundred cycles on many
//! processors. On targets other than x86-64 and aarch64 this module does nothing.
//!
//! # What Rust guarantees about this
//!
//! The documentation of `core::arch::x86_64::_mm_setcsr` says that modifying the denormals-are-zero flag
//! (DAZ), the rounding mode or the exception masks of MXCSR is immediate undefined behaviour, even when the
//! register is restored, because the compiler assumes them in their default state and may move floating
//! point operations across the change. Inline assembly does not lift that: Rust offers no supported way to
//! run compiled code with denormals flushed. This module deviates from the rule knowingly, as audio
//! software commonly does. It relies on what the compiler was observed to do, and keeps the deviation
//! small: only the flags FTZ and DAZ (FZ on aarch64) change, never rounding or masks; the only difference
//! that an operation moved across the change, or evaluated at compile time, can make is a denormal instead
//! of a zero (or a zero instead of a denormal); and the assembly is a compiler barrier for memory.

use std::marker::PhantomData;

/// Guard that flushes denormals to zero on this thread, and restores the previous mode when dropped.
pub struct FlushDenormals {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    previous: ControlWord,
    /// The mode belongs to the thread.
    _not_send: PhantomData<*const ()>,
}

#[cfg(target_arch = "x86_64")]
type ControlWord = u32;
#[cfg(target_arch = "aarch64")]
type ControlWord = u64;

impl FlushDenormals {
    /// Starts flushing denormals. Realtime-safe.
    #[allow(clippy::new_without_default, reason = "a guard that is not kept does nothing")]
    #[must_use = "denormals are flushed until this is dropped"]
    pub fn new() -> Self {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        {
            let previous = read_control();
            write_control(previous | FLUSH);
            Self { previous, _not_send: PhantomData }
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        Self { _not_send: PhantomData }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
impl Drop for FlushDenormals {
    fn drop(&mut self) {
        write_control(self.previous);
    }
}

/// FTZ (bit 15, results) and DAZ (bit 6, operands) of MXCSR.
#[cfg(target_arch = "x86_64")]
const FLUSH: ControlWord = 1 << 15 | 1 << 6;
/// FZ (bit 24, operands and results) of FPCR.
#[cfg(target_arch = "aarch64")]
const FLUSH: ControlWord = 1 << 24;

#[cfg(target_arch = "x86_64")]
fn read_control() -> ControlWord {
    let mut value: u32 = 0;
    // SAFETY: stores MXCSR to the variable; changes neither MXCSR nor the status flags.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack, preserves_flags));
    }
    value
}

#[cfg(target_arch = "x86_64")]
fn write_control(value: ControlWord) {
    // SAFETY: the value was read from MXCSR, with at most FTZ and DAZ changed; reserved bits are as they
    // were, so that the instruction does not fault. It loads the exception flags too, which
    // `preserves_flags` covers, and so that option is not claimed. Changing DAZ is outside of what Rust
    // permits: see the module's documentation.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &value, options(nostack));
    }
}

#[cfg(target_arch = "aarch64")]
fn read_control() -> ControlWord {
    let value: u64;
    // SAFETY: reads FPCR and changes nothing.
    unsafe {
        std::arch::asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

#[cfg(target_arch = "aarch64")]
fn write_control(value: ControlWord) {
    // SAFETY: the value was read from FPCR, with at most FZ changed. The exception flags are in FPSR,
    // which stays, so that `preserves_flags` holds. Changing FZ: as on x86-64.
    unsafe {
        std::arch::asm!("msr fpcr, {}", in(reg) value, options(nostack, preserves_flags));
    }
}
