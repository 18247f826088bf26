//! Code arrays: what the quantizer emits and the decoder reads.

mod codes;

pub use codes::Codes;
