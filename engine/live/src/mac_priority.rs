//! The worker's priority on macOS.
//!
//! A thread has a class there (quality of service) and no priority to be set: `pthread_setschedparam`, which other
//! systems' code uses, takes a thread out of the classes for good, and thread-priority's numbers above 47 are
//! refused. The class below the audio threads' is "user interactive", which runs on the fast cores. Not the time
//! constraint policy, nor the device's workgroup, in which audio threads are: they are for work that is done within a
//! device's period, and a codec works on frames that last longer and may fall behind.

use std::ffi::{c_int, c_uint};

/// `QOS_CLASS_USER_INTERACTIVE` of `sys/qos.h`.
const USER_INTERACTIVE: c_uint = 0x21;

unsafe extern "C" {
    /// `pthread/qos.h`, since macOS 10.10.
    fn pthread_set_qos_class_self_np(class: c_uint, relative_priority: c_int) -> c_int;
}

/// Raises the calling thread, where the system grants it.
pub fn raise_current_thread() {
    // SAFETY: the function takes any numbers, and affects this thread only. Where it fails, nothing has changed.
    unsafe { pthread_set_qos_class_self_np(USER_INTERACTIVE, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_grants_the_class() {
        // SAFETY: as above.
        let result = unsafe { pthread_set_qos_class_self_np(USER_INTERACTIVE, 0) };
        assert_eq!(result, 0);
        raise_current_thread();
    }
}
