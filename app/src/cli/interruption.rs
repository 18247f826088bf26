//! Ctrl-C, and requests to terminate (TERM) or hang up (HUP).
//!
//! Without more, the process ends by the signal, after its temporary files have been removed. A command whose work
//! is worth something at any time asks with [`Interruption::expect`] to finish it by itself; a second signal ends it
//! all the same.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use residue_engine::temporary_file;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// The signals.
const SIGNALS: &[i32] = &[
    SIGINT,
    SIGTERM,
    #[cfg(unix)]
    signal_hook::consts::SIGHUP,
];

/// Whether the command finishes by itself.
static IS_EXPECTED: AtomicBool = AtomicBool::new(false);
/// The first signal after that, or 0.
static FIRST: AtomicUsize = AtomicUsize::new(0);

/// The end of a command by a signal, after it has finished what was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interruption {
    signal: u8,
}

impl Interruption {
    /// Makes the next signal a request that the command looks for with [`first`](Self::first).
    pub fn expect() {
        IS_EXPECTED.store(true, Ordering::SeqCst);
    }

    /// Returns the signal that has come.
    pub fn first() -> Option<Self> {
        let signal = u8::try_from(FIRST.load(Ordering::SeqCst)).ok()?;
        (signal != 0).then_some(Self { signal })
    }

    /// Returns the exit code that shells give: 128 and the signal's number.
    pub fn exit_code(self) -> u8 {
        128 + self.signal
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = low_level::signal_name(self.signal.into()).unwrap_or("a signal");
        write!(f, "interrupted by {name}")
    }
}

impl std::error::Error for Interruption {}

/// Watches for signals on a thread of its own, from now to the end of the process.
///
/// # Errors
/// If the system grants no handler.
pub fn watch() -> Result<()> {
    let (bell, ringer) = bell()?;
    let latest = Arc::new(AtomicUsize::new(0));
    let signals: Vec<i32> = SIGNALS.iter().copied().filter(|signal| !is_ignored(*signal)).collect();
    if signals.is_empty() {
        return Ok(());
    }
    for signal in signals {
        flag::register_usize(signal, Arc::clone(&latest), signal as usize)
            .and_then(|_| ringer.ring_at(signal))
            .context("cannot watch for Ctrl-C")?;
    }
    let watch = move || {
        loop {
            bell.wait();
            let signal = latest.swap(0, Ordering::SeqCst);
            if signal != 0 {
                came(signal);
            }
        }
    };
    thread::Builder::new()
        .name("residue-signals".to_owned())
        .spawn(watch)
        .context("cannot watch for Ctrl-C")?;
    Ok(())
}

/// Passes a signal on to the command, or ends the process.
fn came(signal: usize) {
    let is_first = IS_EXPECTED.load(Ordering::SeqCst)
        && FIRST.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if !is_first {
        temporary_file::remove_all();
        // Does not return for these signals.
        let _ = low_level::emulate_default_handler(signal as i32);
    }
}

/// Returns true for a signal that was ignored when the program began, by `nohup` for instance: it stays so.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    // SAFETY: without a new action, `sigaction` only fills in the old one, for which all zeros are valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(not(unix))]
fn is_ignored(_: i32) -> bool {
    false
}

#[cfg(unix)]
use unix::bell;

#[cfg(unix)]
mod unix {
    use std::io::{self, Read};
    use std::os::unix::net::UnixStream;

    use signal_hook::low_level::pipe;

    /// Wakes the thread when a signal has come.
    pub struct Bell(UnixStream);
    pub struct Ringer(UnixStream);

    pub fn bell() -> io::Result<(Bell, Ringer)> {
        let (bell, ringer) = UnixStream::pair()?;
        Ok((Bell(bell), Ringer(ringer)))
    }

    impl Ringer {
        pub fn ring_at(&self, signal: i32) -> io::Result<()> {
            pipe::register(signal, self.0.try_clone()?).map(drop)
        }
    }

    impl Bell {
        pub fn wait(&self) {
            // Read again at an error: there is nobody to tell.
            let _ = (&self.0).read(&mut [0; 64]);
        }
    }
}

#[cfg(not(unix))]
use polled::bell;

#[cfg(not(unix))]
mod polled {
    use std::io;
    use std::time::Duration;

    /// Wakes the thread from time to time, since nothing else tells it of a signal.
    pub struct Bell;
    pub struct Ringer;

    pub fn bell() -> io::Result<(Bell, Ringer)> {
        Ok((Bell, Ringer))
    }

    impl Ringer {
        pub fn ring_at(&self, _: i32) -> io::Result<()> {
            Ok(())
        }
    }

    impl Bell {
        pub fn wait(&self) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
