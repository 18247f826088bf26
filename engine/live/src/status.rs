//! Status that a port's threads share while audio runs: atomics, and a lock that the audio thread never
//! takes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Health of a port: whether lanes A and B are delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PortHealth {
    /// A model runs.
    #[default]
    Running,
    /// The model failed, for this reason: all lanes are dry until another one is chosen.
    Failed(String),
}

/// Snapshot of a running port. Reading it restarts the peaks, so that one view should read it and pass
/// it on.
#[derive(Clone, Debug, PartialEq)]
pub struct PortStatus {
    /// Whether lanes A and B are delivered.
    pub health: PortHealth,
    /// Compute time of the last frames over their duration; above 1 the codec falls behind. 0 if no
    /// model runs.
    pub load: f32,
    /// Highest load since the status was last read.
    pub peak_load: f32,
    /// Frames processed.
    pub frames: u64,
    /// Position of the lane sample that is played next, counted from the opening of the port.
    pub playing: u64,
    /// Position after the last lane sample that the codec has delivered. Its distance from `playing` is
    /// the time left before a frame is late, in samples.
    pub delivered: u64,
    /// Frames that came too late, in whole or in part, and were concealed.
    pub late_frames: u64,
    /// Input samples per channel that were dropped because the codec was too far behind.
    pub dropped_samples: u64,
    /// NaN and infinite samples that became silence: of the input, of the model.
    pub non_finite: [u64; 2],
    /// Highest absolute sample since the status was last read, `[input, output][channel]`.
    pub peaks: [[f32; 2]; 2],
}

/// Highest value since it was last read.
#[derive(Default)]
pub(super) struct AtomicPeak(AtomicU32);

impl AtomicPeak {
    /// Raises the peak to `value`, if that is higher. Realtime-safe.
    pub fn raise(&self, value: f32) {
        // Non-negative floats are ordered as their bits are.
        self.0.fetch_max(value.max(0.0).to_bits(), Ordering::Relaxed);
    }

    fn take(&self) -> f32 {
        f32::from_bits(self.0.swap(0, Ordering::Relaxed))
    }
}

/// Status shared by all threads of a port.
#[derive(Default)]
pub(super) struct SharedStatus {
    /// Position of the lane sample that the port plays next. Written by the port.
    pub playing: AtomicU64,
    /// Whether the port waits for the worker. Written by the port.
    pub offline: AtomicBool,
    /// Position from which lanes are delivered; `u64::MAX`: none are. Written by the worker.
    pub lanes_from: AtomicU64,
    /// Position after the last lane sample sent. Written by the worker.
    pub delivered: AtomicU64,
    /// Asks the worker to end. Written by the control.
    pub stop: AtomicBool,
    /// As the fields of [`PortStatus`] of the same names.
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
    /// Returns the health. Not realtime-safe.
    pub fn health(&self) -> PortHealth {
        self.health.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Takes a snapshot, and restarts the peaks. Not realtime-safe.
    pub fn snapshot(&self) -> PortStatus {
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

    /// Sets the health, and the position from which lanes are delivered. Not realtime-safe.
    pub fn set_health(&self, health: PortHealth, lanes_from: u64) {
        *self.health.lock().unwrap_or_else(|e| e.into_inner()) = health;
        self.lanes_from.store(lanes_from, Ordering::Release);
    }
}
