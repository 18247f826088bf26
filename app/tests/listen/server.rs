//! A JACK server of the test's own, with no sound card behind it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Frames a period.
pub const PERIOD: usize = 256;
/// How long a server or a client may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; ends when dropped.
pub struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts a server under the name that `JACK_DEFAULT_SERVER` gives.
    ///
    /// Synchronous: each period waits up to `wait` for all clients, so that a busy machine makes
    /// periods late and loses none.
    pub fn start(name: &str, rate: u32, wait: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("jackd.log")).unwrap();
        let period = PERIOD.to_string();
        let rate_text = rate.to_string();
        let process = Command::new("jackd")
            .args(["--no-realtime", "--sync", "--name", name, "--port-max", "128"])
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

    /// What the server has said.
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

/// Sends a process a signal.
pub fn signal(process: &Child, name: &str) {
    let number = process.id().to_string();
    // A process that has ended is none to complain about.
    let _ = Command::new("kill").args([name, &number]).stderr(Stdio::null()).status();
}

/// Ends the server, also a frozen one. Asked and not killed, as long as it listens: a server that is
/// killed keeps its place in JACK's list of servers, which has eight, until another one of its name
/// takes it over.
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
