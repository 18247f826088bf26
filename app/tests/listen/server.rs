//! A JACK server of the test's own, with no sound card behind it.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Frames a period.
pub const PERIOD: usize = 256;
/// How long a server or a client may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The right to run servers, which one test at a time has; whoever else wants it waits.
///
/// JACK's list of servers on a machine has eight places, and a server that was killed keeps its own
/// until another one of its name comes. So all tests start theirs under one name, and tidy up first.
pub struct Turn {
    _lock: File,
}

impl Turn {
    const NAME: &str = "residue-test";

    /// Waits for it, and makes the servers of this name those that clients of this process and of its
    /// children meet.
    ///
    /// # Safety
    ///
    /// No other thread may use the environment meanwhile.
    pub unsafe fn take() -> Self {
        let lock = File::create(env::temp_dir().join("residue-test-jack.lock")).unwrap();
        lock.lock().unwrap();
        if !any_server_runs() {
            remove_leftovers();
        }
        // SAFETY: the caller's promise.
        unsafe { env::set_var("JACK_DEFAULT_SERVER", Self::NAME) };
        Self { _lock: lock }
    }
}

/// A running server; ends when dropped.
pub struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts a server.
    ///
    /// Synchronous: each period waits up to `wait` for all clients, so that a busy machine makes
    /// periods late and loses none.
    pub fn start(_: &Turn, rate: u32, wait: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("jackd.log")).unwrap();
        let period = PERIOD.to_string();
        let rate_text = rate.to_string();
        let process = Command::new("jackd")
            .args(["--no-realtime", "--sync", "--name", Turn::NAME, "--port-max", "128"])
            .args(["--timeout", &wait.as_millis().to_string()])
            .args(["-d", "dummy", "--rate", &rate_text, "--period", &period])
            .args(["--capture", "0", "--playback", "0"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start jackd ({error}): install it with ./setup.sh (Debian: jackd2)")
            });
        let mut server = Self { process, folder };
        let began = Instant::now();
        while jack::Client::new("knock", jack::ClientOptions::NO_START_SERVER).is_err() {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none(), "jackd ended: {}", server.log());
            assert!(began.elapsed() < PATIENCE, "jackd does not answer: {}", server.log());
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Output of the server.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("jackd.log")).unwrap_or_default()
    }

    /// A file of the test's, gone with the server.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops the server where it is.
    pub fn freeze(&self) {
        signal(&self.process, "-STOP");
    }
}

/// Whether a JACK server runs on this machine, of whatever name.
fn any_server_runs() -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = processes.flat_map(|process| fs::read_to_string(process.path().join("comm")));
    names.into_iter().any(|name| name.starts_with("jackd"))
}

/// Removes the list of servers and what else those that were killed have left in shared memory. jackd
/// has an option for the list, `--replace-registry`, which 1.9.21 refuses.
fn remove_leftovers() {
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("jack") {
            // Files of other users stay; jackd then reports the problem.
            let _ = fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path()));
        }
    }
}

/// Sends a process a signal.
pub fn signal(process: &Child, name: &str) {
    let number = process.id().to_string();
    // A process that has ended is none to complain about.
    let _ = Command::new("kill").args([name, &number]).stderr(Stdio::null()).status();
}

/// Ends the server, also a frozen one. Asked and not killed, as long as it listens, so that it tidies
/// up.
impl Drop for Server {
    fn drop(&mut self) {
        for name in ["-TERM", "-CONT"] {
            signal(&self.process, name);
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
