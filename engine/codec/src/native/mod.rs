//! The stacks on our own kernels: exact f32 on the CPU, bit-identical for any chunking, any number
//! of lanes and threads. A pass allocates nothing.

mod activation;
mod feed_forward;
mod layer;
mod linear;
mod norm;
mod patch;
mod sinusoids;
mod stack;
mod stage;

pub(super) use stack::{Stack, StackState};
