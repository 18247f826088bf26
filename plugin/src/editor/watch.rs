//! Running audio, read once a frame for everything that shows it.

use std::sync::{Arc, Weak};

use residue_engine::live::{Latency, PortControl, PortStatus};
use residue_ui::{TelemetryFeed, TelemetryRequest};

use crate::instance::Instance;

/// Seconds without a sample after which audio counts as stopped.
const STILL: f32 = 0.5;

/// What is known of the model that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Entries of a codebook.
    pub codebook: usize,
    /// Frames a second.
    pub frame_rate: f64,
}

/// Running audio at one moment.
#[derive(Clone, Debug)]
pub struct Live {
    /// How the port does.
    pub status: PortStatus,
    /// Where its delay comes from.
    pub latency: Latency,
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: usize,
    /// The host calls for audio; otherwise everything stands still.
    pub moves: bool,
    /// The port is another one than the last time.
    pub anew: bool,
    /// The model.
    pub facts: Facts,
}

/// Looks at the port of an instance, whichever that is.
pub struct Watch {
    feed: TelemetryFeed,
    control: Weak<PortControl>,
    playing: u64,
    /// Seconds since the last sample.
    still: f32,
}

impl Watch {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self { feed: TelemetryFeed::new(), control: Weak::new(), playing: 0, still: STILL }
    }

    /// Reads what has come within the last `seconds`; `None` where the host has not set up audio.
    pub fn read(
        &mut self,
        instance: &Instance,
        wanted: TelemetryRequest,
        seconds: f32,
    ) -> Option<Live> {
        // Held for this call only: the port's owner waits for its worker when it drops the control.
        let Some(control) = instance.model.control() else {
            self.feed.close();
            (self.control, self.still) = (Weak::new(), STILL);
            return None;
        };
        let anew = self.control.as_ptr() != Arc::as_ptr(&control);
        if anew {
            self.feed.close();
            self.control = Arc::downgrade(&control);
            // What was played before anybody looked says nothing.
            (self.playing, self.still) = (control.status().playing, STILL);
        }
        self.feed.update(&control, wanted);
        let status = control.status();
        self.still = if status.playing == self.playing { self.still + seconds } else { 0.0 };
        self.playing = status.playing;
        let model = instance.model.running()?;
        let config = model.codec().config();
        let facts =
            Facts { codebook: config.quantizer.codebook_size, frame_rate: config.frame_rate() };
        let (rate, channels) = (control.config().rate, control.config().channels);
        let moves = self.still < STILL;
        let latency = control.latency();
        Some(Live { status, latency, rate, channels, moves, anew, facts })
    }

    /// Lanes and codes.
    pub fn feed(&self) -> &TelemetryFeed {
        &self.feed
    }
}
