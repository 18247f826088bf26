//! Status that a port's threads share while audio runs: atomics, and a lock that the audio thread never
//! takes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::level_guard::{FAULT_MAGNITUDE, GuardCounts};

/// Health of a port: whether lanes A and B are delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PortHealth {
    /// A model runs.
    #[default]
    Running,
    /// The model failed, for this reason: all lanes are dry until another one is chosen.
    Failed(String),
}

/// Advice on a lane whose model gives what cannot be sound.
const FAULT_ADVICE: &str = "its weights may be damaged; choose another model or get this one again";

/// Returns a sentence on lanes that are muted now because of the model's output, if any are: A, B.
pub fn muted_lanes_text(muted: [bool; 2]) -> Option<String> {
    let lanes = match muted {
        [false, false] => return None,
        [true, false] => "Lane A is muted",
        [false, true] => "Lane B is muted",
        [true, true] => "Lanes A and B are muted",
    };
    let limit = 20.0 * FAULT_MAGNITUDE.log10();
    Some(format!(
        "{lanes}: the model gives samples that are no numbers or more than {limit:.0} dB over full scale; {FAULT_ADVICE}"
    ))
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
    /// Samples of lanes A and B, together, that were louder than 12 dB over full scale and were lowered,
    /// or that were muted: see [`LevelGuard`](super::LevelGuard).
    pub guarded: GuardCounts,
    /// Lanes that are muted now, because the model's output was not finite or went beyond
    /// [`FAULT_MAGNITUDE`] within the last second: A, B.
    pub muted_lanes: [bool; 2],
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
    pub limited_samples: AtomicU64,
    pub muted_samples: AtomicU64,
    pub muted_lanes: [AtomicBool; 2],
    pub peaks: [[AtomicPeak; 2]; 2],
    /// Never touched by the audio thread.
    pub health: Mutex<PortHealth>,
}

impl SharedStatus {
    /// Returns the health. Not realtime-safe.
    pub fn health(&self) -> PortHealth {
        self.health.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Returns which lanes are muted now. Realtime-safe.
    pub fn muted_lanes(&self) -> [bool; 2] {
        self.muted_lanes.each_ref().map(|muted| muted.load(Ordering::Relaxed))
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
            guarded: GuardCounts {
                limited: count(&self.limited_samples),
                muted: count(&self.muted_samples),
            },
            muted_lanes: self.muted_lanes(),
            peaks: self.peaks.each_ref().map(|side| side.each_ref().map(AtomicPeak::take)),
        }
    }

    /// Adds to the counts of the lanes' guards, and sets which lanes are muted. Realtime-safe.
    pub fn publish_guards(&self, counts: GuardCounts, muted: [bool; 2]) {
        self.limited_samples.fetch_add(counts.limited, Ordering::Relaxed);
        self.muted_samples.fetch_add(counts.muted, Ordering::Relaxed);
        self.muted_lanes.iter().zip(muted).for_each(|(to, is)| to.store(is, Ordering::Relaxed));
    }

    /// Sets the health of a model that came or failed, and the position from which lanes are delivered. Not realtime-safe.
    pub fn set_health(&self, health: PortHealth, lanes_from: u64) {
        self.muted_lanes.iter().for_each(|muted| muted.store(false, Ordering::Relaxed));
        *self.health.lock().unwrap_or_else(|e| e.into_inner()) = health;
        self.lanes_from.store(lanes_from, Ordering::Release);
    }
}
