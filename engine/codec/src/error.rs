//! Errors of loading and running a model. Each names the place, expected and found, and a remedy.
//!
//! An error's text holds its cause, and no error has a [`source`](std::error::Error::source): windows show the
//! text alone, and the command line the text and all sources, so that either shows the cause once.

use std::path::PathBuf;

use super::config::CheckpointFormat;
use super::foreign_content::ForeignContent;
use super::safetensors_header::SafetensorsHeaderError;
use super::shard_index::ShardIndexError;
use residue_kernels::Precision;

/// A problem with a model's `config.json`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}; a model folder holds config.json beside its weights", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// The file is of another kind.
    #[error("config.json: {content}")]
    Foreign {
        /// The kind.
        content: ForeignContent,
    },
    /// The text is not JSON.
    #[error("config.json is not valid JSON: {0}; download the model again")]
    Json(serde_json::Error),
    /// A key that the model needs is absent.
    #[error("config.json: `{key}` is missing; expected {expected}")]
    Missing {
        /// Path of the key, such as `encoder_kwargs[1].d_model`.
        key: String,
        /// Values that the key may hold.
        expected: String,
    },
    /// A key holds a value that this implementation does not support.
    #[error("config.json: `{key}` is {found}; expected {expected}")]
    Invalid {
        /// Path of the key, such as `encoder_kwargs[1].d_model`.
        key: String,
        /// Values that the key may hold.
        expected: String,
        /// The value found.
        found: String,
    },
    /// The file has keys of both forms that models come in.
    #[error(
        "config.json has `{published}` of the published form and `{transformers}` of the form of transformers; take the file as one of them wrote it"
    )]
    TwoFormats {
        /// A key of the published form.
        published: String,
        /// A key of the other form.
        transformers: String,
    },
    /// The file describes a model of another kind.
    #[error(
        "config.json is of a model of type \"{model_type}\"; expected a MOSS-Audio-Tokenizer, which has `encoder_kwargs` or `downsampling_ratios`"
    )]
    OtherModel {
        /// The type that the file states.
        model_type: String,
    },
    /// The weights are stored in fewer than 16 bits.
    #[error(
        "config.json has `{key}`, so the weights are quantized by another program; get the model in F32, BF16 or F16, and choose a precision here"
    )]
    QuantizedWeights {
        /// The key that says so.
        key: String,
    },
}

/// A problem with a model's weights.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be opened or read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// A file was cut short or written to while it was read.
    #[error(
        "{file} changed while it was read (expected {expected} bytes, found {found}); wait until nothing writes to it, and load the model again"
    )]
    Changed {
        /// The file.
        file: String,
        /// Bytes when it was opened.
        expected: u64,
        /// Bytes now.
        found: u64,
    },
    /// A file is of another kind.
    #[error("{file}: {content}")]
    Foreign {
        /// The file.
        file: String,
        /// The kind.
        content: ForeignContent,
    },
    /// The system has no memory for a tensor.
    #[error(
        "{file}: tensor `{name}` takes {bytes} bytes of memory, more than can be had; close programs, or choose a smaller model"
    )]
    Memory {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// Bytes requested.
        bytes: u64,
    },
    /// The folder holds no weights.
    #[error(
        "{} holds neither model.safetensors nor model.safetensors.index.json, nor one other safetensors file; point at the folder of a downloaded model",
        folder.display()
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// The shard index is malformed.
    #[error("{}: {problem}; download the file again", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// Its defect.
        problem: ShardIndexError,
    },
    /// A weights file is not safetensors, or is cut short.
    #[error("{file}: not a whole safetensors file: {problem}; download it again")]
    Header {
        /// The file.
        file: String,
        /// Its defect.
        problem: SafetensorsHeaderError,
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
        /// Shape in the configuration.
        expected: Vec<usize>,
    },
    /// The weights are of another form than the configuration.
    #[error(
        "{file}: tensor `{name}` is named as in {found}, and config.json is of {expected}; the two order the rows of queries and keys differently, so take both files from one repository"
    )]
    Format {
        /// The file, or folder, that was searched.
        file: String,
        /// A tensor of the other form.
        name: String,
        /// Form of the configuration.
        expected: CheckpointFormat,
        /// Form of the weights.
        found: CheckpointFormat,
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
        /// Shape in the configuration.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A tensor is stored in another number format than F32, BF16 or F16.
    #[error("{file}: tensor `{name}` has dtype {found}, expected F32, BF16 or F16")]
    Dtype {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// The number format.
        found: String,
    },
    /// A file of packed weights is damaged, or of another model or version.
    #[error("{}: {problem}; it is made again from the model's own files", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// Its defect.
        problem: PackedFileError,
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

/// The defect of a file of packed weights.
#[derive(Debug, thiserror::Error)]
pub enum PackedFileError {
    /// The file does not end as packed weights do.
    #[error("expected packed weights, found {bytes} bytes that end otherwise")]
    NotPacked {
        /// Bytes of the file.
        bytes: u64,
    },
    /// Others than the user could have written it.
    #[error("other users may write it, or own it")]
    Untrusted,
    /// Weights that were written are all finite.
    #[error("{name} holds numbers that are not finite")]
    NonFinite {
        /// The tensor.
        name: String,
    },
    /// Another version of the format.
    #[error("it has version {found} of the format, expected {expected}")]
    Version {
        /// The version found.
        found: u8,
        /// The version that this program reads.
        expected: u8,
    },
    /// The index fails its checksum, or lies outside of the file.
    #[error("its list is damaged")]
    IndexDamaged,
    /// The index is not the JSON that the format specifies.
    #[error("its list: {0}")]
    IndexJson(serde_json::Error),
    /// A tensor lies outside of the file.
    #[error("{name} lies outside of it")]
    OutOfBounds {
        /// The tensor.
        name: String,
    },
    /// The file was written for another model, precision or packing order.
    #[error("it was made for another model or precision")]
    Key,
    /// A tensor fails its checksum.
    #[error("the bytes of {name} are not those written")]
    Checksum {
        /// The tensor.
        name: String,
    },
    /// A tensor is absent, or of another size or precision.
    #[error("{name} is missing or of another size")]
    Missing {
        /// The tensor.
        name: String,
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
        /// Samples of the plane.
        found: usize,
        /// Samples of a frame in one channel.
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
    /// A buffer of the caller has another length than its content.
    #[error("the buffer for {what} has {found} numbers, expected {expected}")]
    Buffer {
        /// Content of the buffer.
        what: &'static str,
        /// Numbers expected.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// A depth outside 1..=layers.
    #[error("depth {found} is not available: choose 1 to {available}")]
    Depth {
        /// Layers of the model.
        available: usize,
        /// Depth requested.
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
    /// The tensor library failed, for instance because a device ran out of memory.
    #[cfg(feature = "reference")]
    #[error("the model's arithmetic failed: {0}")]
    Compute(candle_core::Error),
    /// The memory for weights cannot be had.
    #[error(
        "cannot get {bytes} bytes of memory for weights: {problem}; a smaller precision takes less"
    )]
    Memory {
        /// Bytes requested.
        bytes: u64,
        /// The system's reason.
        problem: String,
    },
    /// The backend computes in f32 only.
    #[error("precision {precision} is for the native backend; candle runs in f32")]
    Precision {
        /// Precision requested.
        precision: Precision,
    },
    /// The progress callback stopped loading.
    #[error("cancelled")]
    Cancelled,
    /// The worker threads could not be started.
    #[error("cannot start {threads} worker threads: {problem}")]
    Threads {
        /// Threads requested.
        threads: usize,
        /// The system's reason.
        problem: String,
    },
}

impl From<serde_json::Error> for ConfigError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

#[cfg(feature = "reference")]
impl From<candle_core::Error> for CodecError {
    fn from(error: candle_core::Error) -> Self {
        Self::Compute(error)
    }
}

/// A problem that loading a model worked around.
#[derive(Debug, thiserror::Error)]
pub enum LoadWarning {
    /// The packed weights of an earlier start could not be used, so that this start took longer.
    #[error("packed weights are not used: {0}")]
    PackedUnusable(CheckpointError),
    /// The packed weights could not be written, so that the next start will take as long as this one.
    #[error("packed weights cannot be kept in {}: {cause}", path.display())]
    PackedNotWritten {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use super::*;

    fn io_error() -> io::Error {
        io::Error::other("the cause")
    }

    fn json() -> serde_json::Error {
        serde_json::from_str::<u8>("the cause").unwrap_err()
    }

    /// Every variant that holds another error, in all enums of the crate.
    fn with_causes() -> Vec<(Box<dyn Error>, String)> {
        let read = || CheckpointError::Read { path: "x".into(), cause: io_error() };
        let index =
            || CheckpointError::Index { path: "x".into(), problem: ShardIndexError::Json(json()) };
        let header = |problem| CheckpointError::Header { file: "x".into(), problem };
        let packed = |problem| CheckpointError::Packed { path: "x".into(), problem };
        let (io, json_text) = ("the cause".to_owned(), json().to_string());
        vec![
            (Box::new(ConfigError::Read { path: "x".into(), cause: io_error() }), io.clone()),
            (Box::new(ConfigError::from(json())), json_text.clone()),
            (Box::new(read()), io.clone()),
            (Box::new(index()), json_text.clone()),
            (Box::new(header(SafetensorsHeaderError::Read(io_error()))), io.clone()),
            (Box::new(header(SafetensorsHeaderError::Json(json()))), json_text.clone()),
            (Box::new(packed(PackedFileError::IndexJson(json()))), json_text.clone()),
            (Box::new(CodecError::from(ConfigError::from(json()))), json_text.clone()),
            (Box::new(CodecError::from(read())), io.clone()),
            (Box::new(CodecError::from(index())), json_text),
            (Box::new(LoadWarning::PackedUnusable(read())), io.clone()),
            (Box::new(LoadWarning::PackedNotWritten { path: "x".into(), cause: io_error() }), io),
        ]
    }

    #[test]
    fn a_cause_is_told_once() {
        for (error, cause) in with_causes() {
            let mut told = error.to_string();
            let mut next = error.source();
            while let Some(source) = next {
                told = format!("{told}: {source}");
                next = source.source();
            }
            assert_eq!(told.matches(&cause).count(), 1, "{told}");
        }
    }
}
