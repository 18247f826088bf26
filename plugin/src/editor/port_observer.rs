//! The running port, read once a frame for everything that shows it.

use std::sync::{Arc, Weak};

use residue_engine::live::{Latency, PortControl, PortStatus};
use residue_ui::{TelemetryFeed, TelemetryRequest};

use crate::instance::Instance;

/// Time without a new sample after which audio counts as stopped, in seconds.
const STOPPED_AFTER: f32 = 0.5;

/// Properties of the running model.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningModelSummary {
    /// Number of entries of a codebook.
    pub codebook: usize,
    /// Frames a second.
    pub frame_rate: f64,
}

/// The running port at one moment.
#[derive(Clone, Debug)]
pub struct PortSnapshot {
    /// Load, levels and counters.
    pub status: PortStatus,
    /// Latency by its parts, in samples.
    pub latency: Latency,
    /// Sample rate in Hz.
    pub rate: u32,
    /// Number of channels.
    pub channels: usize,
    /// Whether the host processes audio now; otherwise positions and levels do not change.
    pub processing: bool,
    /// Whether the port is another one than in the last snapshot.
    pub reopened: bool,
    /// The running model.
    pub model: RunningModelSummary,
}

/// Observes the port of an instance across reopenings.
pub struct PortObserver {
    feed: TelemetryFeed,
    control: Weak<PortControl>,
    playing: u64,
    /// Time since the last new sample, in seconds.
    idle: f32,
}

impl PortObserver {
    /// Creates an observer that has read nothing.
    pub fn new() -> Self {
        Self { feed: TelemetryFeed::new(), control: Weak::new(), playing: 0, idle: STOPPED_AFTER }
    }

    /// Reads what the port has produced within the last `seconds`; `None` while the plugin is not
    /// activated.
    pub fn read(
        &mut self,
        instance: &Instance,
        request: TelemetryRequest,
        seconds: f32,
    ) -> Option<PortSnapshot> {
        // Held for this call only: the port's owner waits for its worker thread when it drops the last
        // control.
        let Some(control) = instance.model.control() else {
            self.feed.close();
            (self.control, self.idle) = (Weak::new(), STOPPED_AFTER);
            return None;
        };
        let reopened = self.control.as_ptr() != Arc::as_ptr(&control);
        if reopened {
            self.feed.close();
            self.control = Arc::downgrade(&control);
            // Samples played before this snapshot do not tell whether audio is processed now.
            (self.playing, self.idle) = (control.status().playing, STOPPED_AFTER);
        }
        self.feed.update(&control, request);
        let status = control.status();
        self.idle = if status.playing == self.playing { self.idle + seconds } else { 0.0 };
        self.playing = status.playing;
        let model = instance.model.running()?;
        let config = model.codec().config();
        let model = RunningModelSummary {
            codebook: config.quantizer.codebook_size,
            frame_rate: config.frame_rate(),
        };
        let (rate, channels) = (control.config().rate, control.config().channels);
        let processing = self.idle < STOPPED_AFTER;
        let latency = control.latency();
        Some(PortSnapshot { status, latency, rate, channels, processing, reopened, model })
    }

    /// Returns the lanes and codes that were read.
    pub fn feed(&self) -> &TelemetryFeed {
        &self.feed
    }
}
