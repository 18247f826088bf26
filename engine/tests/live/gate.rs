//! A model that stops where a test wants it to, so that overload needs no clock, and a host in step
//! with it.

use std::sync::{Arc, Condvar, Mutex};

use residue_engine::live::{AudioPort, PortControl};

use super::support::Identity;

/// A gate that lets frames through while it is open.
#[derive(Default)]
pub struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    /// Whether a frame waits at the closed gate.
    blocks: bool,
}

impl Gate {
    /// Returns an open gate, and the model behind it.
    pub fn new(model: Identity) -> (Arc<Self>, Identity) {
        let gate = Arc::new(Self::default());
        let inner = Arc::clone(&gate);
        let model = model.with(move |_, _| {
            inner.pass();
            Ok(())
        });
        (gate, model)
    }

    /// Waits until the gate is open.
    pub fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        while state.closed {
            state.blocks = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap();
        }
        state.blocks = false;
    }

    pub fn close(&self) {
        self.state.lock().unwrap().closed = true;
    }

    /// Waits until a frame waits at the closed gate.
    pub fn wait_until_reached(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.blocks {
            state = self.changed.wait(state).unwrap();
        }
    }

    pub fn open(&self) {
        self.state.lock().unwrap().closed = false;
        self.changed.notify_all();
    }
}

/// A host in step with the worker: after each block it waits until the lanes of all whole frames have
/// been delivered, unless the gate is closed. For models that run at the host's rate.
pub struct Stepper {
    pub port: AudioPort,
    pub control: PortControl,
    pub gate: Arc<Gate>,
    pub block: usize,
    pub frame: usize,
    pub played: Vec<f32>,
}

impl Stepper {
    /// Plays mono samples, in step if the gate is open.
    pub fn play(&mut self, samples: &[f32], in_step: bool) {
        for block in samples.chunks(self.block) {
            let mut block = block.to_vec();
            self.port.process(&mut [&mut block]);
            self.played.extend(block);
            if in_step {
                self.wait();
            }
        }
    }

    /// Waits until the newest whole frame has been delivered, and so all before it that will be.
    pub fn wait(&self) {
        self.wait_from(0, self.played.len());
    }

    /// As [`Stepper::wait`], of the stream that began at sample `origin`, whose input the worker has
    /// up to sample `end`.
    pub fn wait_from(&self, origin: usize, end: usize) {
        let whole = (end - origin) / self.frame * self.frame + origin;
        while self.control.status().delivered < whole as u64 {
            std::thread::yield_now();
        }
    }

    /// Waits, after overload, until the worker has caught up with all input that was not dropped, so
    /// that its ring has room again.
    pub fn wait_until_caught_up(&self) {
        let dropped = self.control.status().dropped_samples as usize;
        self.wait_from(0, self.played.len() - dropped);
    }
}
