//! The state that a studio shows, as plain data.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use residue_engine::audio::Audio;
use residue_engine::codec::Precision;
use residue_engine::models::ModelRequest;

use crate::device::{StreamCounts, StreamShape};

/// The severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Goes on, but not as requested.
    Warning,
    /// A request that was not met.
    Error,
}

/// Start of the notice that devices do not run; [`StreamState::Lost`] says why as long as that lasts.
pub const NO_SOUND: &str = "no sound: ";

/// A message to a person, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserNotice {
    /// The severity.
    pub severity: Severity,
    /// The problem and its remedy.
    pub text: String,
}

impl UserNotice {
    /// A notice in one line, whatever the chain of causes.
    pub fn new(severity: Severity, text: impl Into<String>) -> Self {
        Self { severity, text: text.into().replace('\n', " ") }
    }
}

/// Where sound comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputKind {
    /// The input device.
    #[default]
    Microphone,
    /// An audio file.
    File,
    /// Codes: of a file, or as they arrive.
    Tokens,
}

/// An audio file in memory.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// The file's name without its folder.
    pub name: String,
    /// The file's path.
    pub path: PathBuf,
    /// Its samples, at its own rate: 1 or 2 channels.
    pub audio: Arc<Audio>,
    /// For a picture of it: least and greatest sample of each of at most [`LoadedFile::PEAKS`] parts
    /// of equal length, over all channels.
    pub peaks: Arc<[[f32; 2]]>,
    /// Sum of the file's bytes, in lowercase hex.
    pub sha256: String,
}

impl LoadedFile {
    /// Parts of which a picture is made.
    pub const PEAKS: usize = 4096;

    /// Hz.
    pub fn rate(&self) -> u32 {
        self.audio.rate
    }

    /// 1 or 2.
    pub fn channels(&self) -> usize {
        self.audio.channels.len()
    }

    /// Length.
    pub fn seconds(&self) -> f64 {
        self.audio.seconds()
    }
}

/// Codes in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenFile {
    /// The file's name without its folder.
    pub name: String,
    /// The file's path.
    pub path: PathBuf,
    /// Layers that it has; deeper settings hear these.
    pub layers: usize,
    /// Frames.
    pub frames: usize,
    /// Length with the model that decodes it.
    pub seconds: f64,
}

/// The position in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TransportState {
    /// The position that is heard, in seconds from the file's start.
    pub position_s: f64,
    /// The file's length.
    pub length_s: f64,
    /// It plays.
    pub playing: bool,
    /// From where to where it repeats.
    pub loop_region: Option<(f64, f64)>,
}

/// Progress of codes that arrive one by one, or of those of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenProgress {
    /// Frames that wait to be heard.
    pub waiting: usize,
    /// Frames decoded.
    pub heard: u64,
    /// Times that frames ran out.
    pub gaps: u64,
    /// No more frames will come.
    pub finished: bool,
}

/// Whether devices run.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum StreamState {
    /// Nothing runs, as requested.
    #[default]
    Stopped,
    /// Devices are being opened, or the model is still loading.
    Starting,
    /// Sound runs.
    Running(StreamFacts),
    /// Devices are gone or cannot be opened; they are tried again.
    Lost {
        /// The problem and its remedy.
        why: String,
        /// Until the next try.
        retrying_in: Duration,
    },
}

/// A running stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamFacts {
    /// Devices, rate, block size and channels.
    pub shape: StreamShape,
    /// Dropouts and delays since it started.
    pub counts: StreamCounts,
}

/// The delay from air to air, in milliseconds, by what takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RoundTrip {
    /// The devices' own delay, as they report it: converters, buffers.
    pub device_ms: f64,
    /// Kept in hand between input and output.
    pub bridge_ms: f64,
    /// The model's frame.
    pub frame_ms: f64,
    /// Time given to the codec.
    pub compute_ms: f64,
    /// Look-ahead of the resampling filters.
    pub resampling_ms: f64,
}

impl RoundTrip {
    /// The sum.
    pub fn total_ms(&self) -> f64 {
        self.device_ms + self.bridge_ms + self.frame_ms + self.compute_ms + self.resampling_ms
    }
}

/// A model that is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFacts {
    /// The request that it meets.
    pub request: ModelRequest,
    /// The precision that it runs in.
    pub precision: Precision,
    /// Why an automatic precision came to that.
    pub precision_reason: Option<String>,
    /// Threads that it runs on.
    pub threads: usize,
    /// RVQ layers: the greatest depth.
    pub layers: usize,
    /// Bits of a layer and stream, in thousands a second.
    pub kbps_per_layer: f64,
    /// Hz.
    pub rate: u32,
    /// Channels of a stream.
    pub channels: usize,
    /// Length of a frame.
    pub frame_ms: f64,
    /// Numbers in the model.
    pub parameters: u64,
    /// Entries of a codebook.
    pub codebook_size: usize,
}

/// The model that runs, and the one that is being loaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelState {
    /// The model that runs or will run; `None` until the first is loaded.
    pub facts: Option<ModelFacts>,
    /// The request that is being loaded, and the share of it that is there, 0 to 1.
    pub loading: Option<(ModelRequest, f32)>,
    /// Why the last request could not be met; what ran goes on.
    pub failed: Option<String>,
    /// The request to keep in the settings: that of the model that runs, or one that the embedded model stands in
    /// for since the start, as its folder may be on a drive that comes back.
    pub wanted: Option<ModelRequest>,
}

/// How a recording is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// The folder of its files. Made if it is not there; a folder that already holds a recording is
    /// refused.
    pub folder: PathBuf,
}

/// A recording that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingState {
    /// The folder of its files.
    pub folder: PathBuf,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Milliseconds recorded.
    pub milliseconds: u64,
    /// Samples a channel that found no room and are silent in the files.
    pub dropped_samples: u64,
    /// Frames of codes.
    pub frames: u64,
}

impl RecordingState {
    /// Length.
    pub fn seconds(&self) -> f64 {
        self.milliseconds as f64 / 1000.0
    }
}

/// Versions of one recording for a blind comparison: of one length, aligned to the sample.
#[derive(Clone, Debug)]
pub struct Stimuli {
    /// Hz: that of the stream.
    pub rate: u32,
    /// One piece of audio a version: 1 or 2 channels.
    pub planes: Vec<Audio>,
    /// Samples that repeat; `None` for all.
    pub region: Option<Range<usize>>,
}

/// The position in an audition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AuditionState {
    /// The version that is heard.
    pub index: usize,
    /// The position that is heard, in seconds from the start.
    pub position_s: f64,
    /// Length of a version.
    pub length_s: f64,
}
