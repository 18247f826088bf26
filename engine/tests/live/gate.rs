//! A model that stops where a test wants it to, so that overload needs no clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use residue_engine::live::AudioPort;

use super::support::Identity;

/// Lets frames through while open.
#[derive(Default)]
pub struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
    /// One more than the last frame that went through.
    passed: AtomicU64,
}

impl Gate {
    /// An open gate, and the model behind it.
    pub fn new(model: Identity) -> (Arc<Self>, Identity) {
        let gate = Arc::new(Self::default());
        let inner = Arc::clone(&gate);
        let model = model.with(move |frames, _| {
            let mut closed = inner.closed.lock().unwrap();
            while *closed {
                closed = inner.opened.wait(closed).unwrap();
            }
            inner.passed.store(frames.first + frames.count as u64, Ordering::Release);
            Ok(())
        });
        (gate, model)
    }

    pub fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    pub fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }

    /// Waits until all frames before `frame` have gone through or been left out.
    pub fn wait_for(&self, frame: u64) {
        while self.passed.load(Ordering::Acquire) < frame {
            std::thread::yield_now();
        }
    }
}

/// A host in step with the worker: after each block it waits until the worker has taken all whole
/// frames, unless the gate is closed. A lane sample that is needed more than a frame and a block
/// after its frame is complete is then always there.
pub struct Stepper {
    pub port: AudioPort,
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
                self.gate.wait_for((self.played.len() / self.frame) as u64);
            }
        }
    }
}
