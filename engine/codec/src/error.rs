//! What can go wrong while a model is loaded or run, each case naming where and what to do.

use std::path::PathBuf;

use residue_kernels::Precision;

/// A problem with a model's `config.json`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; a model folder holds config.json beside its weights", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("config.json is not valid JSON: {0}; download the model again")]
    Json(#[from] serde_json::Error),
    /// A key that the model needs is absent.
    #[error("config.json: `{key}` is missing; expected {expected}")]
    Missing {
        /// Path of the key, such as `encoder_kwargs[1].d_model`.
        key: String,
        /// What the key should hold.
        expected: String,
    },
    /// A key holds a value this implementation cannot honour.
    #[error("config.json: `{key}` is {found}; expected {expected}")]
    Invalid {
        /// Path of the key, such as `encoder_kwargs[1].d_model`.
        key: String,
        /// What the key should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
}

/// A problem with a model's weights.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be opened or mapped.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds no weights.
    #[error(
        "{} holds neither model.safetensors nor model.safetensors.index.json; point at the folder of a downloaded model",
        folder.display()
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// The shard index is not what it should be.
    #[error("{}: {problem}; download the file again", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A weights file is not safetensors, or is cut short.
    #[error("{file}: not a whole safetensors file: {problem}; download it again")]
    Header {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The model needs a tensor that no file holds.
    #[error(
        "{file}: tensor {} is missing (expected shape {expected:?}); the weights do not belong to this config.json",
        names.join(" or ")
    )]
    Missing {
        /// The file, or folder, that was searched.
        file: String,
        /// The spellings tried.
        names: Vec<String>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A tensor has another shape than the configuration says.
    #[error(
        "{file}: tensor `{name}` has shape {found:?}, expected {expected:?}; the weights do not belong to this config.json"
    )]
    Shape {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A tensor is stored in a number format that is no float this implementation reads.
    #[error("{file}: tensor `{name}` has dtype {found}, expected F32, BF16 or F16")]
    Dtype {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// The number format.
        found: String,
    },
    /// A file of packed weights is not what was written.
    #[error("{}: {problem}; it is made again from the model's own files", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A weight is NaN or infinite.
    #[error(
        "{file}: tensor `{name}` holds {value} at element {index}; the file is damaged or its training diverged"
    )]
    NonFinite {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// Index of the first such element, row-major.
        index: usize,
        /// The element.
        value: f32,
    },
}

/// Audio or codes that a running model cannot take. The stream's state is as it was before the call.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InputError {
    /// The number of planes differs from streams × channels.
    #[error("got {found} planes of audio, expected {expected} (streams x channels)")]
    Planes {
        /// Streams × channels.
        expected: usize,
        /// Planes given.
        found: usize,
    },
    /// A plane is not a whole number of frames, or the planes differ in length.
    #[error(
        "plane {plane} has {found} samples; every plane needs the same whole number of frames of {frame} samples"
    )]
    Length {
        /// The plane.
        plane: usize,
        /// Its samples.
        found: usize,
        /// Samples a frame and channel.
        frame: usize,
    },
    /// A sample is NaN or infinite.
    #[error(
        "sample {sample} of plane {plane} is not a finite number; replace such samples by silence first"
    )]
    NonFinite {
        /// The plane.
        plane: usize,
        /// The sample.
        sample: usize,
    },
    /// The number of code arrays differs from the lanes.
    #[error("got codes for {found} lanes, expected {expected}")]
    Lanes {
        /// Lanes of the decoder.
        expected: usize,
        /// Arrays given.
        found: usize,
    },
    /// The lanes' codes differ in length.
    #[error(
        "lane {lane} has {found} frames of codes, lane 0 has {expected}; lanes advance together"
    )]
    Frames {
        /// The lane.
        lane: usize,
        /// Frames of lane 0.
        expected: usize,
        /// Frames of this lane.
        found: usize,
    },
    /// A buffer of the caller's is not as long as what goes in or comes out.
    #[error("the buffer for {what} has {found} numbers, expected {expected}")]
    Buffer {
        /// What it is for.
        what: &'static str,
        /// Numbers it should have.
        expected: usize,
        /// Numbers it has.
        found: usize,
    },
    /// A depth outside 1..=layers.
    #[error("depth {found} is not available: choose 1 to {available}")]
    Depth {
        /// Layers there are.
        available: usize,
        /// The depth asked for.
        found: usize,
    },
    /// A code outside the codebook.
    #[error("code {found} of layer {layer} at frame {frame} is outside the codebook (0 to {})", size - 1)]
    Code {
        /// The layer.
        layer: usize,
        /// The frame.
        frame: usize,
        /// The code.
        found: u32,
        /// Rows of the codebook.
        size: usize,
    },
}

/// Any error of the codec.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The weights.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Audio or codes given to a running model.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The tensor library, such as a device that ran out of memory.
    #[cfg(feature = "reference")]
    #[error("the model's arithmetic failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// The memory for weights cannot be had.
    #[error(
        "cannot get {bytes} bytes of memory for weights: {problem}; a smaller precision takes less"
    )]
    Memory {
        /// Bytes asked for.
        bytes: u64,
        /// Why not.
        problem: String,
    },
    /// The backend computes in f32 only.
    #[error("precision {precision} is for the native backend; candle runs in f32")]
    Precision {
        /// The precision asked for.
        precision: Precision,
    },
    /// The caller stopped loading.
    #[error("cancelled")]
    Cancelled,
    /// The worker threads could not be started.
    #[error("cannot start {threads} worker threads: {problem}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// Why.
        problem: String,
    },
}

/// Something that loading a model worked around.
#[derive(Debug, thiserror::Error)]
pub enum LoadWarning {
    /// The packed weights of an earlier start could not be used, so that this one took longer.
    #[error("packed weights are not used: {0}")]
    NotUsed(CheckpointError),
    /// The packed weights could not be kept, so that the next start takes as long as this one.
    #[error("packed weights cannot be kept in {}: {source}", path.display())]
    NotKept {
        /// The file that was to be written.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
