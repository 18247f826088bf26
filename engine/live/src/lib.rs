//! The live path: from an audio callback through the codec and back, a fixed latency later.
//!
//! ```text
//! audio thread   AudioPort: input -> ring ........................... ring -> dry, A, B -> mix -> output
//! worker         ring -> resample -> frame -> encode -> decode A, B in one batch -> resample -> ring
//! anyone else    Control: model, status, telemetry
//! ```
//!
//! [`open_port`] makes both ends. The [`AudioPort`] belongs to the audio thread and is realtime-safe; the
//! [`PortControl`] belongs to everybody else and owns the worker. Settings travel through the port, with
//! the samples they hold from; models through the control.
//!
//! Lanes are aligned to the sample: dry is the input delayed by the latency, bit for bit; A and B are
//! the codec's outputs at two depths. What comes too late is concealed, counted and thrown away, so
//! that nothing ever shifts.

mod chain;
mod conceal;
mod control;
mod declick;
mod delay;
mod error;
mod history;
mod lane_reader;
mod latency;
mod loss;
mod loudness;
mod mixer;
mod model;
mod port;
mod routing;
mod settings;
mod status;
mod stream;
mod telemetry;
mod timing;
mod worker;

pub use control::{PortConfig, PortControl, open_port};
pub use error::{MAX_ALLOWANCE, MAX_BLOCK, OpenError};
pub use latency::{Allowance, Latency};
pub use loss::LossModel;
pub use mixer::SOURCE_FADE;
pub use model::{DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat};
pub use port::{AudioPort, LaneBlock};
pub use settings::{
    Concealment, FrameEffects, ListeningSource, LossConcealment, PacketLoss, PortSettings,
};
pub use status::{PortHealth, PortStatus};
pub use telemetry::{CodesReader, FrameCodes, LanesReader, NO_CODE};
