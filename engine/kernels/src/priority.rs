//! The priority of the threads that a live path waits for.

use std::cell::Cell;

#[cfg(not(target_os = "macos"))]
use thread_priority::{ThreadPriority, set_current_thread_priority};

/// Priority from 0 to 99 among ordinary threads, where the system grants any: nice -11 on Linux, "above
/// normal" on Windows. Not a realtime class: a codec that falls behind would starve the machine.
#[cfg(not(target_os = "macos"))]
const PRIORITY: u8 = 75;

thread_local! {
    static IS_RAISED: Cell<bool> = const { Cell::new(false) };
}

/// A raised priority of a thread, for as long as the thread runs; on Windows it ends when dropped.
///
/// The helpers of a [`ThreadPool`](super::ThreadPool) that a raised thread leads raise themselves too: a pass
/// is as late as the last of its threads.
pub struct RaisedPriority {
    #[cfg(windows)]
    _task: Option<mmcss::AudioTask>,
}

impl RaisedPriority {
    /// Raises the priority of the calling thread, where the system grants it. Not realtime-safe.
    pub fn of_current_thread() -> Self {
        IS_RAISED.set(true);
        // Where it is not granted, the codec runs at the default priority.
        #[cfg(target_os = "macos")]
        quality_of_service::raise_current_thread();
        #[cfg(not(target_os = "macos"))]
        if let Ok(priority) = PRIORITY.try_into() {
            let _ = set_current_thread_priority(ThreadPriority::Crossplatform(priority));
        }
        Self {
            #[cfg(windows)]
            _task: mmcss::AudioTask::join(),
        }
    }

    /// Returns whether the calling thread has asked for a raised priority. Realtime-safe.
    pub(super) fn is_current_thread() -> bool {
        IS_RAISED.get()
    }
}

/// Windows' scheduler for multimedia (MMCSS), which also runs the threads of audio devices. It keeps a part
/// of the machine for all others, so that a codec that falls behind does not starve it.
#[cfg(windows)]
mod mmcss {
    use std::marker::PhantomData;

    use windows_sys::Win32::Foundation::HANDLE;
    use windows_sys::Win32::System::Threading::{
        AVRT_PRIORITY_LOW, AvRevertMmThreadCharacteristics, AvSetMmThreadCharacteristicsW,
        AvSetMmThreadPriority,
    };
    use windows_sys::core::w;

    /// Membership of the calling thread in the task "Audio".
    pub struct AudioTask {
        handle: HANDLE,
        /// Only the thread that joined may leave.
        _thread: PhantomData<*const ()>,
    }

    impl AudioTask {
        /// Joins the task, below the devices' threads, which must not wait for the codec. `None` where the
        /// service does not run.
        pub fn join() -> Option<Self> {
            let mut index = 0;
            // SAFETY: the name ends with a zero, and the index is written to.
            let handle = unsafe { AvSetMmThreadCharacteristicsW(w!("Audio"), &mut index) };
            if handle.is_null() {
                return None;
            }
            // SAFETY: the handle was given by the call above.
            unsafe { AvSetMmThreadPriority(handle, AVRT_PRIORITY_LOW) };
            Some(Self { handle, _thread: PhantomData })
        }
    }

    impl Drop for AudioTask {
        fn drop(&mut self) {
            // SAFETY: the handle was given to this thread, and is used no more.
            unsafe { AvRevertMmThreadCharacteristics(self.handle) };
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// The service need not run where tests do; calling it must do no harm.
        #[test]
        fn a_thread_joins_and_leaves() {
            std::thread::spawn(|| drop(AudioTask::join())).join().unwrap();
        }
    }
}

/// The class of threads on macOS (quality of service).
///
/// A thread has a class there and no priority to be set: `pthread_setschedparam`, which other systems' code uses, takes
/// a thread out of the classes for good, and thread-priority's numbers above 47 are refused. The class below the audio
/// threads' is "user interactive", which runs on the fast cores. Not the time constraint policy, nor the device's
/// workgroup, in which audio threads are: they are for work that is done within a device's period, and a codec works on
/// frames that last longer and may fall behind.
#[cfg(target_os = "macos")]
mod quality_of_service {
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
}
