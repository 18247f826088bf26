//! Encoder and decoder stacks on our kernels, on the CPU: bit-identical for any chunking, any number of
//! lanes and threads, and exact in f32. A pass of one state allocates nothing.

mod activation;
mod feed_forward;
mod layer;
mod linear;
mod norm;
mod patch;
mod sinusoids;
mod stack;
mod stage;

pub(super) use stack::{NativeStack, NativeStackState, StackFrames};
