//! Flushing denormal numbers to zero while a pass runs.
//!
//! A processor takes a hundred cycles for an operation on denormals, which appear where a signal
//! dies away. Elsewhere than on x86-64 and aarch64 this does nothing.

/// Flushes denormals on this thread until it is dropped, then restores what was.
pub struct FlushDenormals {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    before: Control,
    /// The setting belongs to the thread.
    _not_send: std::marker::PhantomData<*const ()>,
}

#[cfg(target_arch = "x86_64")]
type Control = u32;
#[cfg(target_arch = "aarch64")]
type Control = u64;

impl FlushDenormals {
    /// Flushes denormals from here on. Realtime-safe.
    #[allow(clippy::new_without_default, reason = "a value nobody keeps does nothing")]
    #[must_use = "denormals are flushed until this is dropped"]
    pub fn new() -> Self {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        {
            let before = control();
            set_control(before | FLUSH);
            Self { before, _not_send: std::marker::PhantomData }
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        Self { _not_send: std::marker::PhantomData }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
impl Drop for FlushDenormals {
    fn drop(&mut self) {
        set_control(self.before);
    }
}

/// Flush to zero (bit 15) and denormals are zero (bit 6) of MXCSR.
#[cfg(target_arch = "x86_64")]
const FLUSH: Control = 1 << 15 | 1 << 6;
/// Flush to zero (bit 24) of FPCR.
#[cfg(target_arch = "aarch64")]
const FLUSH: Control = 1 << 24;

#[cfg(target_arch = "x86_64")]
fn control() -> Control {
    let mut value: u32 = 0;
    // SAFETY: stores the register to the variable and changes nothing else.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack, preserves_flags));
    }
    value
}

#[cfg(target_arch = "x86_64")]
fn set_control(value: Control) {
    // SAFETY: the value is one that was read, with at most the two flushing bits changed; rounding
    // and exception masks stay. What the compiler computes meanwhile may see denormals as zero,
    // which is the intent.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &value, options(nostack, preserves_flags));
    }
}

#[cfg(target_arch = "aarch64")]
fn control() -> Control {
    let value: u64;
    // SAFETY: reads the register and changes nothing.
    unsafe {
        std::arch::asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

#[cfg(target_arch = "aarch64")]
fn set_control(value: Control) {
    // SAFETY: as on x86-64: only the flushing bit ever changes.
    unsafe {
        std::arch::asm!("msr fpcr, {}", in(reg) value, options(nostack, preserves_flags));
    }
}
