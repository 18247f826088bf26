//! A model that stops where a test wants it to, so that overload needs no clock.

use std::sync::{Arc, Condvar, Mutex};

use residue_engine::live::{AudioPort, PortControl};

use super::support::Identity;

/// Lets frames through while open.
#[derive(Default)]
pub struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// An open gate, and the model behind it.
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
        let mut closed = self.closed.lock().unwrap();
        while *closed {
            closed = self.opened.wait(closed).unwrap();
        }
    }

    pub fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    pub fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
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
        let whole = self.played.len() / self.frame * self.frame;
        while self.control.status().delivered < whole as u64 {
            std::thread::yield_now();
        }
    }
}
