//! The live path: from an audio callback through the codec and back, a fixed latency later.
//!
//! # Data flow
//!
//! ```text
//!                audio thread                              worker thread
//!                ------------                              -------------
//! input -> AudioPort --- input ring: samples + marks ---> Worker
//!            |    |                                         |  Chain: to the model's rate -> frames
//!            |    |                                         |         -> LiveModel: encode, decode A, B
//!     delay line  |                                         |         -> to the host's rate
//!            |   LaneReader <-- lanes ring: samples + marks +
//!          dry   A, B, late frames concealed
//!            |    |
//!            Mixer -> output
//!
//! any other thread   PortControl: status (atomics), models (channel), codes and lanes (history rings)
//! ```
//!
//! [`open_port`] makes both ends. The [`AudioPort`] belongs to the audio thread and is realtime-safe;
//! the [`PortControl`] belongs to all other threads and owns the worker. Settings travel through the
//! port, with the samples that they hold from; models travel through the control.
//!
//! # Time
//!
//! A *frame* is a codec frame; a *sample frame* is one sample of each channel. Positions count samples
//! per channel since the port was opened. Lanes are aligned to the sample: dry is the input delayed by
//! the latency, bit for bit; A and B are the codec's outputs at two depths. Lane samples that come too
//! late are concealed, counted and dropped, so that nothing ever shifts.
//!
//! # Modules
//!
//! Each module uses only modules of the rows above its own; `tests/modules.rs` checks it.
//!
//! | row | modules |
//! |---|---|
//! | data and rings | `error`, `batch_times`, `settings`, `marked_ring`, `sync`, `history`, `non_finite`, `declick`, `timing`, `routing`, `loudness_match`, `level_guard`, `lane_block` |
//! | what both sides share | `marks`, `model`, `status`, `telemetry`, `latency`, `loss_model`, `mixer`, `shared_passes` |
//! | the worker's side | `chain`, `worker`, `frame_times` |
//! | the audio thread's side | `lane_reader`, `concealment`, `port` |
//! | both ends | `control` |
//!
//! `port` and `lane_reader` do not know `worker` and `chain`, nor the other way round: they meet in the
//! rings and their marks.

mod batch_times;
mod chain;
mod concealment;
mod control;
mod declick;
mod error;
mod frame_times;
mod history;
mod lane_block;
mod lane_reader;
mod latency;
mod level_guard;
mod loss_model;
mod loudness_match;
mod marked_ring;
mod marks;
mod mixer;
mod model;
mod non_finite;
mod port;
mod routing;
mod settings;
mod shared_passes;
mod status;
mod sync;
mod telemetry;
mod timing;
mod worker;

pub use control::{PortConfig, PortControl, open_port};
pub use error::{MAX_ALLOWANCE, MAX_BLOCK, OpenError, ProcessorError};
pub use frame_times::{InstanceSharing, LiveInstances, TimedFrames, measure_frame_times};
pub use lane_block::LaneBlock;
pub use latency::{Allowance, Latency};
pub use level_guard::{FAULT_MAGNITUDE, GuardCounts, LevelGuard};
pub use loss_model::LossModel;
pub use mixer::SOURCE_FADE;
pub use model::{DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat};
pub use non_finite::MAX_MAGNITUDE;
pub use port::AudioPort;
pub use settings::{
    Concealment, FrameEffects, ListeningSource, LossConcealment, PacketLoss, PortSettings,
};
pub use shared_passes::{PassMember, PassResult, SharedPasses};
pub use status::{PortHealth, PortStatus, muted_lanes_text};
pub use telemetry::{CodesReader, FrameCodes, LanesReader, NO_CODE};
