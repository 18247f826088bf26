//! Code arrays: what the quantizer emits and the decoder reads, and how they are stored and sent.
//!
//! | form | read | write |
//! |---|---|---|
//! | `.npy` file, integers, (K, T), (1, K, T) or (K, 1, T) | [`npy::read`], [`npy::read_from`] | [`npy::write`], [`npy::write_to`] |
//! | a stream of frames as they arrive: lines of text, or a whole `.npy` | [`FrameReader`] | [`write_frame`] |
//!
//! K counts RVQ layers, T frames. Neither form says which model the codes belong to:
//! [`Codes::check`] does, as far as it can be told.

mod frame_error;
mod frame_line;
mod frame_reader;
pub mod npy;
mod npy_error;
mod npy_header;

pub use frame_error::{FrameError, FrameErrorKind};
pub use frame_line::write_frame;
pub use frame_reader::{FrameReader, StreamFormat};
pub use npy_error::{NpyError, NpyErrorKind};
pub use residue_core::codes::{Codes, CodesError};
