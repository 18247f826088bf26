//! Encoder and decoder stacks on candle: the exact path on any device, and the native path's oracle.
//!
//! The order of sums in its matrix products depends on the number of rows, so that chunkings differ by about
//! 1e-6 of full scale.

mod attention;
mod executor;
mod feed_forward;
mod linear;
mod norm;
mod patch;
mod position;
mod stack;
mod transformer;

pub(super) use executor::{CandleExecutor, CandleState};
use stack::{CandleStack, CandleStackState};
