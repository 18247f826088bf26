//! What views see of running audio, read once a frame for all of them.

use std::collections::VecDeque;
use std::time::Duration;

use residue_engine::live::{CodesReader, FrameCodes, LanesReader, NO_CODE, PortControl};

/// Time between two frames of a window that shows running audio: 30 a second. Ask egui for the next
/// one with `request_repaint_after`, and only while something runs and is visible.
pub const FRAME: Duration = Duration::from_millis(33);

/// Most samples taken at once: more than half a second, what a port keeps, at 192 kHz.
const MOST_SAMPLES: usize = 1 << 17;
/// Frames kept: 164 s at 12.5 a second, and enough to measure ten bits of entropy.
const MOST_FRAMES: usize = 2048;

/// What is to be read. The engine works for readers, so ask for what is visible only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TelemetryRequest {
    /// Samples of the lanes, for spectrograms.
    pub lanes: bool,
    /// Codes, for the token map and codebook use.
    pub codes: bool,
}

/// What was overwritten before it could be read, since the feed was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TelemetryLoss {
    /// Samples of the lanes.
    pub samples: u64,
    /// Frames of codes.
    pub frames: u64,
}

/// Reads a port's lanes and codes into bounded buffers.
#[derive(Default)]
pub struct TelemetryFeed {
    lanes: Option<LanesReader>,
    codes: Option<CodesReader>,
    samples: Vec<[f32; 3]>,
    gap: u64,
    frames: FrameWindow,
    lost: TelemetryLoss,
    epoch: u64,
}

impl TelemetryFeed {
    /// Reads nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what has come since the last call. Call it once a frame, before the views; what is not
    /// wanted is not watched, and what a view has missed meanwhile is a new beginning.
    pub fn update(&mut self, control: &PortControl, wanted: TelemetryRequest) {
        if wanted.lanes && self.lanes.is_none() {
            self.lanes = Some(control.lanes());
            self.epoch += 1;
        } else if !wanted.lanes {
            self.lanes = None;
        }
        if wanted.codes && self.codes.is_none() {
            self.codes = Some(control.codes());
            self.frames.clear();
        } else if !wanted.codes {
            self.codes = None;
        }

        self.samples.clear();
        self.gap = 0;
        if let Some(lanes) = &mut self.lanes {
            let samples = &mut self.samples;
            let mut refused = 0;
            let lost = lanes.read(|sample| {
                if samples.len() < MOST_SAMPLES {
                    samples.push(sample);
                } else {
                    refused += 1;
                }
            });
            self.gap = lost + refused;
            self.lost.samples += self.gap;
        }
        if let Some(codes) = &mut self.codes {
            let frames = &mut self.frames;
            self.lost.frames += codes.read(|frame| frames.push(&frame));
        }
    }

    /// Stops reading. Necessary when the port is opened anew: readers belong to the old one.
    pub fn close(&mut self) {
        self.lanes = None;
        self.codes = None;
        self.samples.clear();
        self.gap = 0;
    }

    /// Whether anything is read.
    pub fn is_open(&self) -> bool {
        self.lanes.is_some() || self.codes.is_some()
    }

    /// The samples of the last update: dry, A, B, the average of the channels each.
    pub fn samples(&self) -> &[[f32; 3]] {
        &self.samples
    }

    /// Samples that were lost before those of the last update.
    pub fn gap(&self) -> u64 {
        self.gap
    }

    /// Counts how often reading the lanes began: what was seen before another epoch is no longer
    /// connected with what comes now.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last frames of codes.
    pub fn frames(&self) -> &FrameWindow {
        &self.frames
    }

    /// What was lost so far.
    pub fn lost(&self) -> TelemetryLoss {
        self.lost
    }
}

/// The codes of the last 2048 frames, of one shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameWindow {
    streams: usize,
    layers: usize,
    positions: VecDeque<u64>,
    codes: VecDeque<u32>,
    total: u64,
    epoch: u64,
}

impl FrameWindow {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a frame, in place of the oldest when there is no more room. A frame of another shape is
    /// that of another model, and begins anew.
    pub fn push(&mut self, frame: &FrameCodes<'_>) {
        // Of too many codes the engine passes on the first: whole streams, or layers of one.
        let layers = frame.layers.min(frame.codes.len());
        let streams = frame.codes.len().checked_div(layers).unwrap_or(0).min(frame.streams);
        if (streams, layers) != (self.streams, self.layers) {
            self.clear();
            (self.streams, self.layers) = (streams, layers);
        }
        if self.positions.len() == MOST_FRAMES {
            self.positions.pop_front();
            self.codes.drain(..self.width());
        }
        self.positions.push_back(frame.position);
        self.codes.extend(&frame.codes[..self.width()]);
        self.total += 1;
    }

    /// Forgets all frames.
    pub fn clear(&mut self) {
        self.positions.clear();
        self.codes.clear();
        self.total = 0;
        self.epoch += 1;
    }

    fn width(&self) -> usize {
        self.streams * self.layers
    }

    /// Frames there are, 2048 at most.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Streams of a frame, as far as their codes are known: of more than 128 codes a frame the engine
    /// passes on the first 128.
    pub fn streams(&self) -> usize {
        self.streams
    }

    /// Layers of a stream.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Frames since the window was last cleared: the newest has the number `total() - 1`.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Counts how often the window was cleared.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where frame `number` is kept.
    fn index(&self, number: u64) -> Option<usize> {
        let oldest = self.total - self.len() as u64;
        (oldest..self.total).contains(&number).then(|| (number - oldest) as usize)
    }

    /// The first lane sample of frame `number`, if it is still there.
    pub fn position(&self, number: u64) -> Option<u64> {
        self.positions.get(self.index(number)?).copied()
    }

    /// The code of a layer of a stream in frame `number`, if it is still there and there was one.
    pub fn code(&self, number: u64, stream: usize, layer: usize) -> Option<u32> {
        let inside = stream < self.streams && layer < self.layers;
        let at = self.index(number)? * self.width() + stream * self.layers + layer;
        inside.then(|| self.codes[at]).filter(|code| *code != NO_CODE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(window: &mut FrameWindow, number: u64, streams: usize, layers: usize) {
        let codes: Vec<u32> =
            (0..streams * layers).map(|n| (number % 1000) as u32 + n as u32).collect();
        window.push(&FrameCodes { position: number * 3840, streams, layers, codes: &codes });
    }

    #[test]
    fn the_window_keeps_the_newest_and_stays_small() {
        let mut window = FrameWindow::new();
        (0..5000).for_each(|number| push(&mut window, number, 2, 16));
        assert_eq!((window.len(), window.total()), (2048, 5000));
        assert_eq!(window.codes.len(), 2048 * 32);
        assert!(window.codes.capacity() <= 2 * 2048 * 32 && window.positions.capacity() <= 4096);
        assert_eq!(window.position(4999), Some(4999 * 3840));
        assert_eq!(window.code(4999, 1, 3), Some(999 + 19));
        assert_eq!(window.position(5000 - 2048), Some((5000 - 2048) * 3840));
        for outside in [0, 5000 - 2049, 5000, u64::MAX] {
            assert_eq!(window.position(outside), None);
            assert_eq!(window.code(outside, 0, 0), None);
        }
        assert_eq!(window.code(4999, 2, 0), None);
        assert_eq!(window.code(4999, 0, 16), None);
        let (streams, layers, codes) = (2, 16, [NO_CODE; 32]);
        window.push(&FrameCodes { position: 0, streams, layers, codes: &codes });
        assert_eq!(window.code(5000, 0, 0), None);
    }

    #[test]
    fn another_shape_begins_anew() {
        let mut window = FrameWindow::new();
        push(&mut window, 0, 1, 16);
        let epoch = window.epoch();
        push(&mut window, 1, 1, 32);
        assert_eq!((window.len(), window.total(), window.layers()), (1, 1, 32));
        assert!(window.epoch() > epoch);
        // As the engine passes on a frame of too many codes.
        window.push(&FrameCodes { position: 0, streams: 8, layers: 32, codes: &[5; 128] });
        assert_eq!((window.streams(), window.layers()), (4, 32));
        window.push(&FrameCodes { position: 0, streams: 1, layers: 200, codes: &[5; 128] });
        assert_eq!((window.streams(), window.layers()), (1, 128));
        window.push(&FrameCodes { position: 0, streams: 1, layers: 0, codes: &[] });
        assert_eq!((window.streams(), window.layers(), window.len()), (0, 0, 1));
    }
}
