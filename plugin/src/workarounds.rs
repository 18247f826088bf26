//! Workarounds for faults of third-party libraries and hosts, most of them on Linux. All of them are
//! here:
//!
//! 1. **The wrapper's worker thread.** On Linux, nice-plug 0.4 runs VST3's main-thread work on a worker
//!    thread that all instances share, unless the host offers a run loop and an editor is open. The
//!    worker panics when an instance is dropped with one of its tasks pending, and when a parameter
//!    changes while an editor opens or is open, because another thread has borrowed the editor. When the
//!    last instance is dropped, the wrapper finds its worker gone and panics inside a call from the host,
//!    which aborts the host. [`keep_worker_alive`] leaks one instance, so that this last drop never
//!    happens; it costs a few kilobytes, because an instance loads nothing until it is activated. A dead
//!    worker also loses notifications: the editor polls parameters, and the latency is reported at
//!    activation, on the main thread.
//! 2. **The GL driver.** baseview 0.4 does not always wait for its window's thread. When the window
//!    counts as closed, that thread may still be in the driver, or in the destructors of its thread-local
//!    data, while the driver is unmapped or the process ends. [`WindowThread`] waits for it, and
//!    [`pin_graphics_libraries`] keeps the driver mapped.
//! 3. **Frames.** Until its window is visible, baseview 0.4 loses the reply to a frame request and never
//!    sends another one: the window stays empty. nice-plug-egui requests a frame at its first timer tick,
//!    which may come before a host has shown the window. [`REPAINT_POLL_INTERVAL`] keeps that timer from
//!    ticking; showing the window requests a frame by itself. A single request may still be lost later,
//!    when the display's clock jumps, so `editor::app` repeats it after a while.
//! 4. **A panic while drawing.** baseview passes a panic of its window's thread on to the host's thread
//!    that closes the window, inside a call from the host. [`catch_panic`] stops it there; panics of our
//!    own drawing are caught in `editor::app`.
//!
//! One fault has no workaround here: in VST3 hosts that offer a run loop, nice-plug 0.4 leaks two file
//! descriptors with every opening of an editor, so that a process with the usual limit of 1024 can open
//! editors about 480 times.
//!
//! The threads of 1 and 2, and those that load or free models, may run after the host has dropped the
//! last instance, so the plugin's library must stay mapped: `build.rs` links it with `-z nodelete`. macOS keeps
//! every library mapped that has thread-local variables (`dlfcn.h`), as Rust's standard library has. On Windows
//! [`keep_worker_alive`] pins it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use nice_plug::prelude::{PluginApi, nice_error};

/// Keeps the wrapper's worker thread alive from the first activation or editor on.
#[cfg(target_os = "linux")]
pub fn keep_worker_alive(api: PluginApi) {
    use std::sync::Once;

    static ONCE: Once = Once::new();
    if api == PluginApi::Vst3 {
        ONCE.call_once(|| {
            std::mem::forget(nice_plug::wrapper::vst3::Wrapper::<crate::Residue>::new());
        });
    }
}

/// Nothing to do: on this system the host's own loop runs the tasks.
#[cfg(not(any(target_os = "linux", windows)))]
pub fn keep_worker_alive(_: PluginApi) {}

/// Keeps the plugin's library mapped until the process ends, for threads that still run when the host unloads it.
#[cfg(windows)]
pub fn keep_worker_alive(_: PluginApi) {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };

    static HERE: u8 = 0;
    let mut library = std::ptr::null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    // SAFETY: an address within this library in place of a name, as the flag says, and a place for the handle. Where
    // it fails, the library is unloaded as without it.
    unsafe { GetModuleHandleExW(flags, (&raw const HERE).cast(), &mut library) };
}

/// Keeps the X11 and GL libraries mapped that are mapped now. To be called once a GL context exists, at
/// each opening, because each may load further libraries; pinning one twice changes nothing.
#[cfg(target_os = "linux")]
pub fn pin_graphics_libraries() {
    use std::ffi::{CStr, c_int, c_void};

    /// Parts of the names of drivers' libraries; their dependencies stay mapped with them.
    const NAMES: [&[u8]; 12] = [
        b"libGL",
        b"libEGL",
        b"libOpenGL",
        b"_dri",
        b"gallium",
        b"libglapi",
        b"libLLVM",
        b"nvidia",
        b"libX",
        b"libxcb",
        b"libxkb",
        b"libdrm",
    ];

    unsafe extern "C" fn pin(info: *mut libc::dl_phdr_info, _: usize, names: *mut c_void) -> c_int {
        // SAFETY: the loader passes a name that lives as long as the library, and `names` is the vector
        // below.
        let (name, names) = unsafe {
            let Some(info) = info.as_ref() else { return 0 };
            if info.dlpi_name.is_null() {
                return 0;
            }
            (CStr::from_ptr(info.dlpi_name), &mut *names.cast::<Vec<std::ffi::CString>>())
        };
        let path = name.to_bytes();
        let file = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if NAMES.iter().any(|part| file.windows(part.len()).any(|window| window == *part)) {
            names.push(name.to_owned());
        }
        0
    }

    // Names are collected first, because the loader's lock is held during the iteration.
    let mut names: Vec<std::ffi::CString> = Vec::new();
    // SAFETY: `pin` has the required signature and gets the vector, which outlives the iteration.
    unsafe { libc::dl_iterate_phdr(Some(pin), (&raw mut names).cast()) };
    for name in names {
        // The handle is leaked on purpose.
        // SAFETY: the path of a mapped library; RTLD_NOLOAD loads nothing new.
        unsafe {
            libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE)
        };
    }
}

/// Nothing to do: on this system windows belong to the host's thread.
#[cfg(not(target_os = "linux"))]
pub fn pin_graphics_libraries() {}

/// Interval of nice-plug-egui's repaint timer: a day, which is never. The editor repaints by itself.
pub const REPAINT_POLL_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// The thread that a window runs on; closing the window waits for its end.
#[derive(Clone, Default)]
pub struct WindowThread(Arc<AtomicI32>);

/// Longest wait for the end of a window's thread: a hanging driver must not hang the host.
const MAX_WAIT: Duration = Duration::from_secs(2);

impl WindowThread {
    /// Registers the calling thread as the window's.
    pub fn register_current(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: gettid takes no arguments and cannot fail.
        self.0.store(unsafe { libc::gettid() }, Ordering::Release);
    }

    /// Waits until the registered thread has ended, including its thread-local destructors; at most two
    /// seconds.
    pub fn wait_until_ended(&self) {
        let id = self.0.load(Ordering::Acquire);
        if id == 0 {
            return;
        }
        let task = format!("/proc/self/task/{id}");
        let until = Instant::now() + MAX_WAIT;
        while std::path::Path::new(&task).exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Runs `work` without unwinding into the host. A panic is logged, and returns `None`.
pub fn catch_panic<T>(what: &str, work: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(work));
    if result.is_err() {
        nice_error!("Residue: {what} panicked");
    }
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught() {
        assert_eq!(catch_panic("this", || 3), Some(3));
        assert_eq!(catch_panic("this", || -> u8 { panic!("on purpose") }), None);
    }

    #[test]
    fn a_thread_is_waited_for() {
        let (thread, ended) = (WindowThread::default(), Arc::new(AtomicI32::new(0)));
        thread.wait_until_ended();
        let (its, end) = (thread.clone(), Arc::clone(&ended));
        let begun = Arc::new(std::sync::Barrier::new(2));
        let begin = Arc::clone(&begun);
        std::thread::spawn(move || {
            its.register_current();
            begin.wait();
            std::thread::sleep(Duration::from_millis(50));
            end.store(1, Ordering::Release);
        });
        begun.wait();
        thread.wait_until_ended();
        let waited = cfg!(target_os = "linux");
        assert!(!waited || ended.load(Ordering::Acquire) == 1);
    }
}
