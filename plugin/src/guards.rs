//! What keeps hosts alive on Linux, where libraries underneath do not do it themselves. Everything that
//! works around somebody else's fault is here, and nothing of it elsewhere:
//!
//! 1. **The wrapper's worker.** On Linux, nice-plug 0.4 runs what VST3 has to do on the host's main
//!    thread on a worker that all instances share, unless the host offers its run loop and an editor is
//!    open. An instance that goes while one of its tasks is pending ends that worker, and so does a
//!    parameter that moves while an editor opens or is open: the worker finds the editor borrowed by
//!    another thread, and panics. When the last instance goes, the wrapper panics in its turn on finding
//!    the worker gone, inside a call from the host, which aborts the host. [`keep_worker_alive`] leaves
//!    one instance unfreed, so that this last drop never happens; it costs a few kilobytes: an instance
//!    loads nothing until it is activated. What a dead worker takes with it are notifications: the
//!    editor polls parameters, and the latency is reported when audio starts, on the main thread.
//! 2. **The GL driver.** baseview 0.4 does not always wait for its window's thread, which may still be
//!    within the driver, or in the destructors of its thread-local data, when the window counts as closed:
//!    the driver is then unmapped, or the process ends, beneath it. [`WindowThread`] waits for it, and
//!    [`pin_graphics`] keeps the driver mapped.
//! 3. **Frames.** Until its window is visible, baseview 0.4 loses the answer to a request for a frame, and
//!    then never asks for another: the window stays empty. nice-plug-egui asks for one as soon as its
//!    timer comes round, which may be before a host has shown the window. [`NEVER`] keeps that timer
//!    still; being shown asks for a frame by itself. A single frame may get lost later, when the display's
//!    clock jumps, so `editor::app` asks again after a while.
//! 4. **A panic while drawing.** baseview passes a panic of its window's thread on to the host's thread
//!    that closes the window, inside a call from the host. [`no_panic`] ends it there; what we draw
//!    ourselves is contained in `editor::app`.
//!
//! What cannot be helped from here: in VST3 hosts that offer a run loop, nice-plug 0.4 leaves two file
//! descriptors open with every opening of an editor, so that a process with the usual limit of 1024 has
//! room for some 480 openings.
//!
//! The threads of 1 and 2, and those that free models or load them, may run when the host is done with
//! the last instance, so the plugin's own library must stay mapped: `build.rs` links it with `-z
//! nodelete`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use nice_plug::prelude::{PluginApi, nice_error};

/// Keeps the wrapper's worker alive from the first activation or editor on.
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

/// Elsewhere the host's own loop runs the tasks.
#[cfg(not(target_os = "linux"))]
pub fn keep_worker_alive(_: PluginApi) {}

/// Keeps the libraries of X11 and GL mapped that are mapped now: call it when there is a GL context.
/// Each opening may have brought in others; pinning one twice changes nothing.
#[cfg(target_os = "linux")]
pub fn pin_graphics() {
    use std::ffi::{CStr, c_int, c_void};

    /// What drivers consist of, as far as their names tell; what they depend on stays with them.
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
        // SAFETY: the loader gives a name that lives as long as the library, and `names` is the vector
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

    // Collected first: the loader's lock is held during the walk.
    let mut names: Vec<std::ffi::CString> = Vec::new();
    // SAFETY: `pin` has the signature asked for and gets the vector, which outlives the walk.
    unsafe { libc::dl_iterate_phdr(Some(pin), (&raw mut names).cast()) };
    for name in names {
        // The handle is leaked with purpose.
        // SAFETY: a path of a mapped library; nothing is loaded that is not there.
        unsafe {
            libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE)
        };
    }
}

/// Elsewhere windows belong to the host's thread.
#[cfg(not(target_os = "linux"))]
pub fn pin_graphics() {}

/// How often nice-plug-egui looks whether somebody wants a frame: once a day. The editor polls anyway.
pub const NEVER: Duration = Duration::from_secs(24 * 3600);

/// The thread that a window runs on, which closing the window waits for.
#[derive(Clone, Default)]
pub struct WindowThread(Arc<AtomicI32>);

/// How long closing waits at most: a driver may hang, and the host must not hang with it.
const MOST_WAIT: Duration = Duration::from_secs(2);

impl WindowThread {
    /// It is the thread that calls this.
    pub fn here(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: it takes nothing and cannot fail.
        self.0.store(unsafe { libc::gettid() }, Ordering::Release);
    }

    /// Returns when it has ended, with everything that libraries do at the end of a thread.
    pub fn wait(&self) {
        let id = self.0.load(Ordering::Acquire);
        if id == 0 {
            return;
        }
        let task = format!("/proc/self/task/{id}");
        let until = Instant::now() + MOST_WAIT;
        while std::path::Path::new(&task).exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Runs what must not unwind into the host. A panic is written to the log, and gives `None`.
pub fn no_panic<T>(what: &str, work: impl FnOnce() -> T) -> Option<T> {
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
    fn a_panic_goes_no_further() {
        assert_eq!(no_panic("this", || 3), Some(3));
        assert_eq!(no_panic("this", || -> u8 { panic!("with purpose") }), None);
    }

    #[test]
    fn a_thread_is_waited_for() {
        let (thread, ended) = (WindowThread::default(), Arc::new(AtomicI32::new(0)));
        thread.wait();
        let (its, end) = (thread.clone(), Arc::clone(&ended));
        let begun = Arc::new(std::sync::Barrier::new(2));
        let begin = Arc::clone(&begun);
        std::thread::spawn(move || {
            its.here();
            begin.wait();
            std::thread::sleep(Duration::from_millis(50));
            end.store(1, Ordering::Release);
        });
        begun.wait();
        thread.wait();
        let waited = cfg!(target_os = "linux");
        assert!(!waited || ended.load(Ordering::Acquire) == 1);
    }

    /// Nothing is loaded, whatever is mapped.
    #[test]
    fn pinning_twice_changes_nothing() {
        pin_graphics();
        pin_graphics();
    }
}
