//! Commands and options of the command line.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use residue_engine::codec::Precision;
use residue_engine::codec_at_rate::CodecAtRate;
use residue_engine::kernels::MAX_THREADS;
use residue_engine::models::PrecisionRequest;

use crate::{device, explained, version};

/// Hear what a neural codec leaves behind.
///
/// Runs a MOSS-Audio-Tokenizer ("Cat") codec: encoder, residual quantizer, decoder. Depth is the
/// number of quantizer layers that are kept; each layer adds the same bitrate. Without --model
/// every command uses the small model that is built in.
///
/// Without a command, the desktop app opens.
#[derive(Debug, Parser)]
#[command(
    name = "residue",
    version = version::text(),
    args_conflicts_with_subcommands = true,
    after_long_help = explained::help()
)]
pub struct CliArgs {
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// File to open in the app: audio, codes (.npy), a model folder, or - for frames of codes from
    /// stdin
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Same as FILE, for a file whose name is also a command
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub open: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Send a file through the codec and write what comes out
    Roundtrip(RoundtripArgs),
    /// Encode a file to codes
    Encode(EncodeArgs),
    /// Decode codes to a file, or play them
    Decode(DecodeArgs),
    /// Compare depths and codecs: a table of distances from the original, pictures, and a WAV each
    Compare(CompareArgs),
    /// Measure how bf16, int8 and int4 change the codes and the sound of a file
    Precision(PrecisionArgs),
    /// List, download, add and check models
    Models(ModelsArgs),
    /// Measure a model's speed (real-time factor) and memory on this computer
    Bench(BenchArgs),
    /// Listen live: from an input device through the codec to an output device
    Listen(ListenArgs),
    /// List audio backends and their devices
    Devices(DevicesArgs),
    /// Write manual pages and completions of shells to a folder, for packages
    #[command(hide = true)]
    WriteManual(ManualArgs),
}

/// A number outside its range.
#[derive(Debug, thiserror::Error)]
#[error("expected {least} to {most} {unit}")]
pub struct OutOfRange {
    least: String,
    most: String,
    unit: &'static str,
}

/// A number from `least` to `most`.
fn within<T: FromStr + PartialOrd + Display>(
    text: &str,
    least: T,
    most: T,
    unit: &'static str,
) -> Result<T, OutOfRange> {
    match text.parse() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(OutOfRange { least: least.to_string(), most: most.to_string(), unit }),
    }
}

/// The model and its arithmetic.
#[derive(Debug, Group)]
pub struct ModelArgs {
    /// A known name (embedded, nano, v1, v2), a name you added, or a folder with config.json and
    /// safetensors
    #[arg(long, default_value = "embedded", value_name = "MODEL")]
    pub model: String,
    /// Number format of the weights; f32 gives the codes of the published implementation, the others
    /// are smaller, faster and approximate [default: f32; live: auto]
    #[arg(long, value_enum)]
    pub precision: Option<PrecisionRequestArg>,
    /// CPU threads for the model; 0 = one per core (live: all cores but one, at most 8)
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = threads)]
    pub threads: usize,
}

impl ModelArgs {
    /// Returns the precision asked for: f32 by default, which is exact.
    pub fn precision(&self) -> PrecisionRequest {
        self.precision.map_or(Precision::F32.into(), Into::into)
    }

    /// Returns the precision asked for: by default the automatic one, as whoever listens live needs speed.
    pub fn live_precision(&self) -> PrecisionRequest {
        self.precision.map_or(PrecisionRequest::Automatic, Into::into)
    }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 0..=MAX_THREADS) => Ok(threads),
        _ => Err(format!("expected 0 to {MAX_THREADS} threads")),
    }
}

/// Reading of the input.
#[derive(Debug, Group)]
pub struct DecodingArgs {
    /// Refuse files that only an installed ffmpeg can decode, instead of running it
    #[arg(long)]
    pub no_ffmpeg: bool,
}

/// Arithmetic of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrecisionArg {
    /// 32-bit floats: exact
    F32,
    /// Weights in bfloat16 (16 bits)
    Bf16,
    /// Weights in 8 bits, activations in 8 or 16
    Int8,
    /// Weights in 4 bits, activations in 8 or 16
    Int4,
}

impl PrecisionArg {
    pub fn name(self) -> &'static str {
        Precision::from(self).name()
    }
}

/// Arithmetic of the model, or the choice of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrecisionRequestArg {
    /// The fastest that sounds nearly like f32: docs/models.md says by what rule
    Auto,
    /// 32-bit floats: exact
    F32,
    /// Weights in bfloat16 (16 bits)
    Bf16,
    /// Weights in 8 bits, activations in 8 or 16
    Int8,
    /// Weights in 4 bits, activations in 8 or 16
    Int4,
}

impl From<PrecisionRequestArg> for PrecisionRequest {
    fn from(request: PrecisionRequestArg) -> Self {
        match request {
            PrecisionRequestArg::Auto => Self::Automatic,
            PrecisionRequestArg::F32 => Precision::F32.into(),
            PrecisionRequestArg::Bf16 => Precision::Bf16.into(),
            PrecisionRequestArg::Int8 => Precision::Int8.into(),
            PrecisionRequestArg::Int4 => Precision::Int4.into(),
        }
    }
}

impl From<PrecisionArg> for Precision {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Bf16 => Self::Bf16,
            PrecisionArg::Int8 => Self::Int8,
            PrecisionArg::Int4 => Self::Int4,
        }
    }
}

/// How stereo goes through a mono model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MonoArg {
    /// Code each channel separately: twice the bitrate
    Dual,
    /// Code (L + R) / 2 and play it on both channels
    Mid,
}

impl From<MonoArg> for residue_engine::audio::MonoTreatment {
    fn from(mono: MonoArg) -> Self {
        match mono {
            MonoArg::Dual => Self::Dual,
            MonoArg::Mid => Self::Mid,
        }
    }
}

/// Chunks that a file is processed in.
#[derive(Debug, Group)]
pub struct ChunkArgs {
    /// Model frames processed at a time; the result is the same for every value
    #[arg(long, default_value_t = 8, value_name = "FRAMES", value_parser = chunk)]
    pub chunk: usize,
}

fn chunk(text: &str) -> Result<usize, OutOfRange> {
    within(text, 1, 4096, "frames")
}

#[derive(Debug, Group)]
pub struct RoundtripArgs {
    /// Audio file
    pub input: PathBuf,
    #[command(flatten)]
    pub decoding: DecodingArgs,
    /// Where the decoded audio goes: 32-bit float WAV with the input's length, rate and channels; - is
    /// stdout
    #[arg(short, long, value_name = "OUT.wav")]
    pub output: PathBuf,
    /// Quantizer layers to keep [default: all]
    #[arg(long, value_name = "K")]
    pub depth: Option<usize>,
    /// Any codec at a bitrate, instead of --model, --depth and --precision: a model by layers or kbps (nano:8,
    /// v2:1kbps, embedded:16@int8), opus:KBPS (6 to 256), opus-voice:KBPS, alaw, mulaw
    #[arg(
        long,
        value_name = "CODEC:RATE[@PRECISION]",
        conflicts_with_all = ["model", "depth", "precision"]
    )]
    pub codec: Option<CodecAtRate>,
    /// How a stereo file goes through a mono model
    #[arg(long, value_enum, default_value_t = MonoArg::Dual)]
    pub mono: MonoArg,
    #[command(flatten)]
    pub chunk: ChunkArgs,
    #[command(flatten)]
    pub model: ModelArgs,
}

#[derive(Debug, Group)]
pub struct EncodeArgs {
    /// Audio file: mono or stereo
    pub input: PathBuf,
    #[command(flatten)]
    pub decoding: DecodingArgs,
    /// Where the codes go: .npy, int64, (layers, frames); - is stdout
    #[arg(short, long, value_name = "CODES.npy")]
    pub output: PathBuf,
    /// Quantizer layers to keep [default: all]
    #[arg(long, value_name = "K")]
    pub depth: Option<usize>,
    #[command(flatten)]
    pub chunk: ChunkArgs,
    #[command(flatten)]
    pub model: ModelArgs,
}

#[derive(Debug, Group)]
pub struct DecodeArgs {
    /// Codes: a .npy of (K, T), also with a dimension of 1 more, or - for frames as they arrive on
    /// stdin, one per line, as `12 7 1023`, `12,7,1023` or `[12, 7, 1023]`
    pub codes: PathBuf,
    /// Where the audio goes: 32-bit float WAV at the model's rate and channels; - is stdout
    #[arg(short, long, value_name = "OUT.wav", required_unless_present = "play")]
    pub output: Option<PathBuf>,
    /// Play on a sound device instead of writing a file
    #[arg(long, conflicts_with = "output")]
    pub play: bool,
    /// With --play: audio backend [default: the platform's]
    #[arg(long, value_name = "HOST", requires = "play")]
    pub host: Option<String>,
    /// With --play: output device, its name or identifier, or a part of it [default: the system's]
    #[arg(long, value_name = "DEVICE", requires = "play")]
    pub device: Option<String>,
    /// Quantizer layers to keep [default: all there are]
    #[arg(long, value_name = "K")]
    pub depth: Option<usize>,
    /// The array is (T, K): frames first
    #[arg(long)]
    pub transpose: bool,
    /// How the layers of a frame are laid out
    #[arg(long, value_enum, default_value_t = PatternArg::Aligned)]
    pub pattern: PatternArg,
    /// With --pattern delay: the code that stands where there is none [default: the codebook's size, 1024 in the
    /// published models]
    #[arg(long, value_name = "CODE")]
    pub padding: Option<u32>,
    /// The array is a batch: its dimension that counts the items, 0 or 1 or 2. The published code makes (K, B, T), 1;
    /// transformers (B, K, T), 0
    #[arg(long, value_name = "AXIS", value_parser = axis)]
    pub batch: Option<usize>,
    /// With --batch: the item to decode, from 0
    #[arg(long, default_value_t = 0, value_name = "N", requires = "batch")]
    pub item: usize,
    /// Decode the first T frames only, as of an item that is padded to the batch's longest
    #[arg(long, value_name = "T")]
    pub length: Option<usize>,
    #[command(flatten)]
    pub chunk: ChunkArgs,
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Order of the codes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PatternArg {
    /// All layers of a frame together
    Aligned,
    /// Layer k comes k frames after the first, as MOSS-TTS and MOSS-TTSD emit them
    Delay,
}

fn axis(text: &str) -> Result<usize, OutOfRange> {
    within(text, 0, 2, "as a dimension")
}

#[derive(Debug, Group)]
pub struct CompareArgs {
    /// Audio file
    pub input: PathBuf,
    #[command(flatten)]
    pub decoding: DecodingArgs,
    /// Depths of --model to compare [default: 1, 2, 4, ... up to all layers; none beside --with]
    #[arg(long, value_delimiter = ',', value_name = "K,K,...")]
    pub depths: Vec<usize>,
    /// A codec at a bitrate to compare, any number of times: a model by layers or kbps (nano:8, v2:1kbps,
    /// embedded:16@int8), opus:KBPS (6 to 256), opus-voice:KBPS, alaw, mulaw
    #[arg(long, value_delimiter = ',', value_name = "CODEC:RATE[@PRECISION]")]
    pub with: Vec<CodecAtRate>,
    /// Folder for the pictures, the WAVs and report.json; it replaces those of an earlier comparison
    /// there [default: INPUT's name + -residue]
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Print the report as JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// How a stereo file goes through a mono model
    #[arg(long, value_enum, default_value_t = MonoArg::Dual)]
    pub mono: MonoArg,
    #[command(flatten)]
    pub chunk: ChunkArgs,
    #[command(flatten)]
    pub model: ModelArgs,
}

#[derive(Debug, Group)]
pub struct PrecisionArgs {
    /// Audio file
    pub input: PathBuf,
    #[command(flatten)]
    pub decoding: DecodingArgs,
    /// Precisions to compare with f32
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_values_t = [PrecisionArg::Bf16, PrecisionArg::Int8, PrecisionArg::Int4],
        value_name = "P,P"
    )]
    pub precisions: Vec<PrecisionArg>,
    /// A known name, a name you added, or a folder with config.json and safetensors
    #[arg(long, default_value = "embedded", value_name = "MODEL")]
    pub model: String,
    /// CPU threads for the model; 0 = one per core
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = threads)]
    pub threads: usize,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub chunk: ChunkArgs,
}

#[derive(Debug, Group)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: Option<ModelsCommand>,
    /// Print as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List all models: built in, published, added; which are on this computer
    List,
    /// Download a model from the Hugging Face hub
    Pull {
        /// A published model (nano, v1, v2), or any repository as owner/name
        name: String,
        /// Commit to download, instead of the one that Residue was checked with, or a branch
        #[arg(long, value_name = "COMMIT")]
        revision: Option<String>,
    },
    /// Register a model folder under a name
    Add {
        /// Folder with config.json and safetensors
        folder: PathBuf,
        /// Name for it [default: the folder's]
        #[arg(long)]
        name: Option<String>,
    },
    /// Check a model's files: sizes, checksums, headers, and that every tensor fits
    Verify {
        /// Its name or folder
        model: String,
        #[command(flatten)]
        exact: ExactArgs,
    },
    /// Show the packed weights that earlier starts kept, and their size
    Cache {
        /// Delete them; they are made again when a model is loaded
        #[arg(long)]
        clear: bool,
    },
}

/// Comparison of a model with the reference implementation.
#[derive(Debug, Group)]
pub struct ExactArgs {
    /// Compare codes and audio with those of the reference implementation too, on FILE or on a clip of speech
    #[arg(long, num_args = 0..=1, value_name = "FILE")]
    pub exact: Option<Option<PathBuf>>,
    /// With --exact: precisions to compare
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_values_t = [PrecisionArg::F32],
        value_name = "P,P",
        requires = "exact"
    )]
    pub precisions: Vec<PrecisionArg>,
    /// With --exact: CPU threads for the model; 0 = one per core
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = threads, requires = "exact")]
    pub threads: usize,
    #[command(flatten)]
    pub decoding: DecodingArgs,
}

/// A published layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LayoutArg {
    /// 24 kHz mono, 1.77 B parameters
    V1,
    /// 48 kHz stereo, 2.12 B parameters
    V2,
    /// 48 kHz stereo, 22 M parameters
    Nano,
}

#[derive(Debug, Group)]
pub struct BenchArgs {
    /// A published layout instead of a model; needs --random-weights
    #[arg(long, value_enum, requires = "random_weights", conflicts_with = "model")]
    pub layout: Option<LayoutArg>,
    /// Use random weights; they run as fast as real ones
    #[arg(long, requires = "layout")]
    pub random_weights: bool,
    /// Number of depths decoded in one batch
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = lanes)]
    pub lanes: usize,
    /// Model frames per chunk [default: 80 ms; --live: 1]
    #[arg(long, value_name = "FRAMES", value_parser = chunk)]
    pub chunk: Option<usize>,
    /// Measure as a device or a host runs it: frame by frame, two lanes, 48 kHz stereo, with conversion of the rate
    #[arg(long, conflicts_with = "lanes")]
    pub live: bool,
    /// Measure so many live streams at once, as instances of the plugin in one host: 1,2,5,10
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = instances)]
    #[arg(conflicts_with_all = ["lanes", "chunk", "live"])]
    pub instances: Vec<usize>,
    /// Measure the limits of this machine too, and print times as multiples of the least possible
    #[arg(long)]
    pub limit: bool,
    /// Seconds of audio to measure, once the attention windows are full
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    pub seconds: f64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model: ModelArgs,
}

fn instances(text: &str) -> Result<usize, OutOfRange> {
    within(text, 1, 64, "instances")
}

fn lanes(text: &str) -> Result<usize, OutOfRange> {
    within(text, 1, 64, "lanes")
}

fn seconds(text: &str) -> Result<f64, OutOfRange> {
    within(text, 0.1, 3600.0, "seconds")
}

/// The source that is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceArg {
    /// The input, delayed by the latency
    Dry,
    /// The codec at --depth
    A,
    /// The codec at --depth-b
    B,
    /// A minus B: what A has and B lacks
    #[value(name = "a-b")]
    AMinusB,
    /// Dry minus A: what A has lost
    #[value(name = "dry-a")]
    DryMinusA,
    /// Dry minus B: what B has lost
    #[value(name = "dry-b")]
    DryMinusB,
}

impl From<SourceArg> for residue_engine::live::ListeningSource {
    fn from(heard: SourceArg) -> Self {
        match heard {
            SourceArg::Dry => Self::Dry,
            SourceArg::A => Self::A,
            SourceArg::B => Self::B,
            SourceArg::AMinusB => Self::AMinusB,
            SourceArg::DryMinusA => Self::DryMinusA,
            SourceArg::DryMinusB => Self::DryMinusB,
        }
    }
}

#[derive(Debug, Group)]
pub struct ListenArgs {
    #[command(flatten)]
    pub devices: DeviceArgs,
    /// Quantizer layers of A [default: all]
    #[arg(long, value_name = "K")]
    pub depth: Option<usize>,
    /// Quantizer layers of B
    #[arg(long, default_value_t = 1, value_name = "K")]
    pub depth_b: usize,
    /// What is heard
    #[arg(long, value_enum, default_value_t = SourceArg::A)]
    pub source: SourceArg,
    /// Time allowed for processing in milliseconds; it adds to the latency, and too little makes
    /// frames late [default: measured]
    #[arg(long, value_name = "MS", value_parser = allowance)]
    pub allowance: Option<f64>,
    /// How a stereo input goes through a mono model
    #[arg(long, value_enum, default_value_t = MonoArg::Dual)]
    pub mono: MonoArg,
    /// Stop after this many seconds [default: at Ctrl-C]
    #[arg(long, value_name = "S", value_parser = duration)]
    pub seconds: Option<f64>,
    /// Mute the output; levels and load are still shown
    #[arg(long)]
    pub mute: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model: ModelArgs,
}

/// The devices and how they run.
#[derive(Debug, Group)]
pub struct DeviceArgs {
    /// Audio backend; `residue devices` lists them [default: the platform's]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Input device: its name or identifier, or a part of it [default: the system's]
    #[arg(long, value_name = "DEVICE")]
    pub input: Option<String>,
    /// Output device: its name or identifier, or a part of it [default: the system's]
    #[arg(long, value_name = "DEVICE")]
    pub output: Option<String>,
    /// Sample rate of both devices in Hz [default: the output's own]
    #[arg(long, value_name = "HZ", value_parser = rate)]
    pub rate: Option<u32>,
    /// Buffer size of both devices in sample frames [default: about 5 ms]
    #[arg(long, value_name = "FRAMES", value_parser = buffer)]
    pub buffer: Option<u32>,
    /// 1 (the input's first channel, played on both sides) or 2 channels [default: 2 if both devices
    /// have them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub channels: Option<u8>,
}

fn rate(text: &str) -> Result<u32, OutOfRange> {
    within(text, device::RATES.0, device::RATES.1, "Hz")
}

fn buffer(text: &str) -> Result<u32, OutOfRange> {
    within(text, 1, device::LARGEST_BLOCK, "frames")
}

fn allowance(text: &str) -> Result<f64, OutOfRange> {
    within(text, 0.0, 60_000.0, "milliseconds")
}

fn duration(text: &str) -> Result<f64, OutOfRange> {
    within(text, 0.01, 1e6, "seconds")
}

#[derive(Debug, Group)]
pub struct DevicesArgs {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Group)]
pub struct ManualArgs {
    /// Folder to write to
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}
