//! The live path, from the audio callback and back.

mod chaos;
mod effects;
mod ends;
mod failure;
mod gate;
mod identity;
mod latency;
mod offline;
mod overload;
mod realtime;
mod schedule;
mod session;
mod sources;
mod support;
mod tokens;

use residue_engine_testing::allocation::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;
