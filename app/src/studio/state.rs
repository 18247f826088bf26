//! What the studio shows of itself: plain data.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use residue_engine::audio::Audio;
use residue_engine::codec::Precision;
use residue_engine::models::ProgressStage;

use crate::device::{Counts, Shape};

/// How much a person needs to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Goes on, but not as wished.
    Warning,
    /// Something asked for did not happen.
    Error,
}

/// What a person should be told, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What happened, and what to do.
    pub text: String,
}

/// Where sound comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
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
    /// Where it is.
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
    /// Where it is.
    pub path: PathBuf,
    /// Layers that it has; deeper settings hear these.
    pub layers: usize,
    /// Frames.
    pub frames: usize,
    /// Length with the model that decodes it.
    pub seconds: f64,
}

/// Where a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// What is heard now, from the file's start.
    pub position_s: f64,
    /// The file's length.
    pub length_s: f64,
    /// It plays.
    pub playing: bool,
    /// From where to where it repeats.
    pub loop_region: Option<(f64, f64)>,
}

/// How codes that arrive one by one are doing, or those of a file.
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
    /// Nothing runs, as wished.
    #[default]
    Stopped,
    /// Devices are being opened, or the model is still loading.
    Starting,
    /// Sound runs.
    Running(StreamFacts),
    /// Devices are gone or cannot be opened; they are tried again.
    Lost {
        /// What happened and what to do.
        why: String,
        /// Until the next try.
        retrying_in: Duration,
    },
}

/// A running stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamFacts {
    /// Devices, rate, block size and channels.
    pub shape: Shape,
    /// What has happened since it started.
    pub counts: Counts,
}

/// The delay from air to air, in milliseconds, by what takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RoundTrip {
    /// What the devices say of themselves: converters, buffers.
    pub device_ms: f64,
    /// Kept in hand between input and output.
    pub bridge_ms: f64,
    /// The model's frame.
    pub frame_ms: f64,
    /// Time given to the codec.
    pub compute_ms: f64,
    /// What the filters between the rates look ahead.
    pub resampling_ms: f64,
}

impl RoundTrip {
    /// All of it.
    pub fn total_ms(&self) -> f64 {
        self.device_ms + self.bridge_ms + self.frame_ms + self.compute_ms + self.resampling_ms
    }
}

/// Which model is to run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelWish {
    /// A known name, an added one, or a folder.
    pub id: String,
    /// Arithmetic.
    pub precision: Precision,
    /// Threads of the arithmetic; 0 is one a core but one, which is left to the devices.
    pub threads: usize,
}

impl Default for ModelWish {
    /// The embedded model, exact.
    fn default() -> Self {
        let id = residue_engine::models::EMBEDDED.to_owned();
        Self { id, precision: Precision::F32, threads: 0 }
    }
}

/// A model that is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFacts {
    /// As it was wished for.
    pub wish: ModelWish,
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

/// The model and what becomes of the wish for another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelState {
    /// The model that runs or will run; `None` until the first is loaded.
    pub facts: Option<ModelFacts>,
    /// What is being loaded, and how much of it is there, 0 to 1.
    pub loading: Option<(ModelWish, f32)>,
    /// Why the last wish could not be met; what ran goes on.
    pub failed: Option<String>,
}

/// A model that can be chosen, downloaded or repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// The name to choose it by.
    pub id: String,
    /// The repository, for published ones.
    pub repository: Option<&'static str>,
    /// It is here and can be chosen.
    pub here: bool,
    /// It can be downloaded.
    pub can_pull: bool,
    /// Where it is, or why it cannot be used.
    pub place: String,
    /// What is known of it.
    pub facts: Option<ListedFacts>,
    /// Bytes it takes up here, or will take up once downloaded, as far as is known.
    pub bytes: Option<u64>,
    /// What the last check of its files found, if there was one.
    pub verified: Option<Result<(), String>>,
}

/// What is known of a model that need not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedFacts {
    /// Hz.
    pub rate: u32,
    /// Channels.
    pub channels: usize,
    /// RVQ layers.
    pub layers: usize,
    /// Numbers in it.
    pub parameters: u64,
}

/// A long look at a model's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullProgress {
    /// The model's name.
    pub id: String,
    /// What is going on.
    pub stage: ProgressStage,
    /// The file at hand; empty where no single one is meant.
    pub file: String,
    /// Bytes dealt with.
    pub done: u64,
    /// Bytes in all; 0 until it is known.
    pub total: u64,
    /// It has been told to stop.
    pub cancelling: bool,
}

/// What a precision gives and costs, measured here.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecisionCost {
    /// The precision.
    pub precision: Precision,
    /// Wall seconds a second of audio, for encoding, quantizing and decoding in a stream.
    pub rtf: f64,
    /// Share of codes, 0 to 1, that are those of f32, over all layers.
    pub agreement: f64,
    /// The same by layer.
    pub agreement_by_layer: Vec<f64>,
    /// How much farther the decoded audio is from the original than in f32: growth of the mel
    /// distance, in percent.
    pub mel_growth_percent: f64,
    /// Threads of the measurement.
    pub threads: usize,
}

/// How a recording is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// Where its files go. Made if it is not there; a folder that already holds a recording is
    /// refused.
    pub folder: PathBuf,
}

/// A recording that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingState {
    /// Where its files are.
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

/// Where an audition is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AuditionState {
    /// The version that is heard.
    pub index: usize,
    /// What is heard now, from the start.
    pub position_s: f64,
    /// Length of a version.
    pub length_s: f64,
}
