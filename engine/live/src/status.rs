//! What threads tell each other while audio runs, without locks where the audio thread is concerned.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Whether lanes A and B come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PortHealth {
    /// A model runs.
    #[default]
    Running,
    /// The model failed, as said here: all lanes are dry until another one is chosen.
    Failed(String),
}

/// What a view shows of a running port. Peaks start anew with each reading, so that one view should
/// read and pass on.
#[derive(Clone, Debug, PartialEq)]
pub struct PortStatus {
    /// Whether lanes A and B come.
    pub health: PortHealth,
    /// Time the last frames took to compute over their duration; above 1 the codec falls behind. 0 if
    /// no model runs.
    pub load: f32,
    /// The highest load since the status was last read.
    pub peak_load: f32,
    /// Frames processed.
    pub frames: u64,
    /// The next lane sample to be played, counted from the opening of the port.
    pub playing: u64,
    /// The lane sample after the last one that the codec has delivered. What it is ahead of `playing`
    /// is the time left before something is late.
    pub delivered: u64,
    /// Frames that were not there in time, in whole or in part, and were concealed.
    pub late_frames: u64,
    /// Input samples per channel that the codec never saw because it was too far behind.
    pub dropped_samples: u64,
    /// Samples that were not finite and became silence: in the input, from the model.
    pub non_finite: [u64; 2],
    /// Highest absolute sample of each channel since the status was last read: input, output.
    pub peaks: [[f32; 2]; 2],
}

/// The highest value since it was last read.
#[derive(Default)]
pub(super) struct AtomicPeak(AtomicU32);

impl AtomicPeak {
    /// Realtime-safe.
    pub fn raise(&self, value: f32) {
        // Floats that are not negative are in the order of their bits.
        self.0.fetch_max(value.max(0.0).to_bits(), Ordering::Relaxed);
    }

    fn take(&self) -> f32 {
        f32::from_bits(self.0.swap(0, Ordering::Relaxed))
    }
}

/// What all threads of a port share.
#[derive(Default)]
pub(super) struct SharedStatus {
    /// The next lane sample that the port plays. Written by the port.
    pub playing: AtomicU64,
    /// The port waits for the worker. Written by the port.
    pub offline: AtomicBool,
    /// Lanes come from this sample on; `u64::MAX`: none come. Written by the worker.
    pub lanes_from: AtomicU64,
    /// The lane sample after the last one sent. Written by the worker.
    pub delivered: AtomicU64,
    /// The worker is to end.
    pub stop: AtomicBool,
    pub load: AtomicU32,
    pub peak_load: AtomicPeak,
    pub frames: AtomicU64,
    pub late_frames: AtomicU64,
    pub dropped_samples: AtomicU64,
    pub non_finite: [AtomicU64; 2],
    pub peaks: [[AtomicPeak; 2]; 2],
    /// Never touched by the audio thread.
    pub health: Mutex<PortHealth>,
}

impl SharedStatus {
    /// Whether lanes come. Not realtime-safe.
    pub fn health(&self) -> PortHealth {
        self.health.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Reads everything, and starts the peaks anew. Not realtime-safe.
    pub fn status(&self) -> PortStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PortStatus {
            health: self.health(),
            load: f32::from_bits(self.load.load(Ordering::Relaxed)),
            peak_load: self.peak_load.take(),
            frames: count(&self.frames),
            playing: count(&self.playing),
            delivered: self.delivered.load(Ordering::Acquire),
            late_frames: count(&self.late_frames),
            dropped_samples: count(&self.dropped_samples),
            non_finite: self.non_finite.each_ref().map(count),
            peaks: self.peaks.each_ref().map(|side| side.each_ref().map(AtomicPeak::take)),
        }
    }

    /// What the worker says of itself, with the sample that lanes come from.
    pub fn set_health(&self, health: PortHealth, lanes_from: u64) {
        *self.health.lock().unwrap_or_else(|e| e.into_inner()) = health;
        self.lanes_from.store(lanes_from, Ordering::Release);
    }
}
