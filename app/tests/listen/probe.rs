//! A client that speaks into Residue's input and records its output, sample for sample.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use jack::{AudioIn, AudioOut, Client, ClientOptions, Control, Port, ProcessScope};

use super::server::PATIENCE;

/// Audio of both channels by the probe's own time, which counts frames since it was activated.
#[derive(Default)]
pub struct Recording {
    /// Samples that Residue received.
    pub sent: [Vec<f32>; 2],
    /// Samples that came back.
    pub heard: [Vec<f32>; 2],
    /// When the signal began.
    pub start: usize,
    /// Periods that the server left out.
    pub missed: usize,
}

/// The probe, connected.
pub struct Probe {
    /// There until it has left.
    client: Option<jack::AsyncClient<(), ProbeProcess>>,
    go: Arc<AtomicBool>,
    frames: Arc<AtomicUsize>,
    recording: Arc<Mutex<Recording>>,
}

struct ProbeProcess {
    to_residue: [Port<AudioOut>; 2],
    from_residue: [Port<AudioIn>; 2],
    signal: [Vec<f32>; 2],
    played: usize,
    recording: Arc<Mutex<Recording>>,
    go: Arc<AtomicBool>,
    frames: Arc<AtomicUsize>,
    due: Option<u32>,
    pause: Duration,
}

impl Probe {
    /// Joins the server, silent until [`Probe::go`].
    #[allow(dead_code, reason = "one of two tests needs it")]
    pub fn new(signal: [Vec<f32>; 2]) -> Self {
        Self::with_pause(signal, Duration::ZERO)
    }

    /// As [`Probe::new`], but holds each period up for a while: the server waits, so that everything
    /// beside it has more time than a sound card would give it.
    pub fn with_pause(signal: [Vec<f32>; 2], pause: Duration) -> Self {
        let (client, _) = Client::new("probe", ClientOptions::NO_START_SERVER).unwrap();
        let out = |name: &str| client.register_port(name, AudioOut::default()).unwrap();
        let input = |name: &str| client.register_port(name, AudioIn::default()).unwrap();
        let go = Arc::new(AtomicBool::new(false));
        let frames = Arc::new(AtomicUsize::new(0));
        let recording = Arc::default();
        let process = ProbeProcess {
            to_residue: [out("out_0"), out("out_1")],
            from_residue: [input("in_0"), input("in_1")],
            signal,
            played: 0,
            recording: Arc::clone(&recording),
            go: Arc::clone(&go),
            frames: Arc::clone(&frames),
            due: None,
            pause,
        };
        let client = Some(client.activate_async((), process).unwrap());
        Self { client, go, frames, recording }
    }

    /// Waits for Residue's ports and connects both ways.
    pub fn connect(&self) {
        for channel in 0..2 {
            self.join(&format!("probe:out_{channel}"), &format!("residue_in:in_{channel}"));
        }
        self.connect_output();
    }

    /// Waits for the ports that Residue plays to and connects them.
    pub fn connect_output(&self) {
        for channel in 0..2 {
            self.join(&format!("residue_out:out_{channel}"), &format!("probe:in_{channel}"));
        }
    }

    fn join(&self, from: &str, to: &str) {
        let began = Instant::now();
        let client = self.client.as_ref().expect("the probe has not left").as_client();
        while let Err(error) = client.connect_ports_by_name(from, to) {
            assert!(began.elapsed() < PATIENCE, "cannot connect {from} to {to}: {error}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts the signal with the next period.
    pub fn go(&self) {
        self.go.store(true, Ordering::Relaxed);
    }

    /// Frames that have passed.
    #[allow(dead_code, reason = "one of two tests needs it")]
    pub fn now(&self) -> usize {
        self.frames.load(Ordering::Relaxed)
    }

    /// Waits until so many more frames have passed.
    pub fn wait(&self, frames: usize) {
        let until = self.frames.load(Ordering::Relaxed) + frames;
        let (mut passed, mut moved) = (0, Instant::now());
        while passed < until {
            let now = self.frames.load(Ordering::Relaxed);
            if now > passed {
                (passed, moved) = (now, Instant::now());
            }
            assert!(moved.elapsed() < PATIENCE, "the server stands still");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until something can be found in what was recorded so far. Periods wait meanwhile.
    #[allow(dead_code, reason = "one of two tests needs it")]
    pub fn find<T>(&self, what: &str, find: impl Fn(&Recording) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = find(&self.recording.lock().unwrap()) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Leaves the server.
    pub fn finish(mut self) -> Recording {
        self.client.take().expect("the probe has not left").deactivate().unwrap();
        std::mem::take(&mut self.recording.lock().unwrap())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // A server that lost another client may never answer: a failure would wait for it for ever.
        if thread::panicking() {
            std::mem::forget(self.client.take());
        }
    }
}

impl jack::ProcessHandler for ProbeProcess {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let frames = scope.n_frames();
        let now = scope.last_frame_time();
        // The server's thread may allocate and wait: it is the test's own and nothing here is real time.
        let mut recording = self.recording.lock().unwrap();
        if self.due.is_some_and(|due| due != now) {
            recording.missed += 1;
        }
        self.due = Some(now.wrapping_add(frames));

        let count = frames as usize;
        let going = self.go.load(Ordering::Relaxed);
        if going && self.played == 0 {
            recording.start = recording.sent[0].len();
        }
        for channel in 0..2 {
            let out = self.to_residue[channel].as_mut_slice(scope);
            out.fill(0.0);
            if going {
                let rest = &self.signal[channel][self.played.min(self.signal[channel].len())..];
                let some = rest.len().min(count);
                out[..some].copy_from_slice(&rest[..some]);
            }
            recording.sent[channel].extend_from_slice(out);
            recording.heard[channel].extend_from_slice(self.from_residue[channel].as_slice(scope));
        }
        drop(recording);
        if going {
            self.played += count;
        }
        self.frames.fetch_add(count, Ordering::Relaxed);
        thread::sleep(self.pause);
        Control::Continue
    }
}
