//! Conventional codecs, frame by frame: what neural codecs are compared with.
//!
//! ```text
//! frame of samples -> encoder -> packet -> [lost?] -> decoder -> frame of samples, a fixed delay later
//! ```
//!
//! | codec | rate | frame | delay | bitrate |
//! |---|---|---|---|---|
//! | [`OpusSettings`]: Opus (RFC 6716), for voice or for audio | 48 kHz | 20 ms | 6.5 ms, with FEC a frame more | 6 to 256 kbps a stream |
//! | [`CompandingLaw`]: G.711, A-law or µ-law | 8 kHz | 20 ms | none | 64 kbps a channel |
//!
//! A [`ConventionalCodec`] is a codec with its settings. Its [`format`](ConventionalCodec::format) says the rate, the
//! frame and the delay, which never change; its [`stream`](ConventionalCodec::stream) is one position in a signal. A
//! [`ConventionalStream`] takes and gives whole frames of one fixed size and can be reset, so that it can run in a
//! file, and on the worker thread of a live path.
//!
//! # Codecs that are not here
//!
//! MP3 and AAC: their good encoders are under the LGPL or come without a grant of patents, and a poor encoder says little
//! about a format. LC3 (Bluetooth LE Audio): an encoder in Rust with a fitting licence exists, and comes here once it has
//! passed a comparison with the reference encoder.

mod codec;
mod error;
mod g711;
mod opus;

pub use codec::{ConventionalCodec, ConventionalFormat, ConventionalStream};
pub use error::ConventionalError;
pub use g711::CompandingLaw;
pub use opus::{OpusApplication, OpusSettings};
