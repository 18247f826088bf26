//! Files and streams of codes.
//!
//! | form | read | write |
//! |---|---|---|
//! | `.npy` file, integers, (K, T), also with a dimension of 1 more | [`npy::read`], [`npy::read_from`] | [`npy::write`], [`npy::write_to`]; [`npy::NpyAppender`] as frames arrive |
//! | a stream of frames as they arrive: lines of text, or a whole `.npy` | [`FrameReader`] | [`write_frame`] |
//! | the delay pattern of speech models, in either | [`DelayedFrames`], [`undelayed`] | |
//! | a batch in a `.npy` file, three dimensions | [`npy::read_batch`] | |
//!
//! K counts RVQ layers, T frames. Neither form names the model that the codes belong to;
//! [`Codes::check`] detects codes that a model cannot decode, and [`looks_transposed`] those that it would decode in
//! the wrong order.

mod delay_pattern;
mod frame_error;
mod frame_line;
mod frame_reader;
pub mod npy;
mod npy_appender;
mod npy_error;
mod npy_header;
mod orientation;

pub use delay_pattern::{DelayedFrames, undelayed};
pub use frame_error::{FrameError, FrameErrorKind};
pub use frame_line::write_frame;
pub use frame_reader::{FrameReader, StreamFormat};
pub use npy_error::{NpyError, NpyErrorKind};
pub use orientation::looks_transposed;
pub use residue_core::codes::{Codes, CodesError};
