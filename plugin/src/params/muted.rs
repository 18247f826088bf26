//! Muted layers, one bit per layer, shared by editor, saved state and audio thread.

use std::sync::atomic::{AtomicU64, Ordering};

use nice_plug::params::persist::PersistentField;

/// Muted RVQ layers: bit k mutes layer k, counted from 0. Reading and writing are realtime-safe.
#[derive(Debug, Default)]
pub struct MutedLayers(AtomicU64);

impl MutedLayers {
    /// Returns the bits.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the bits, with effect from the next block.
    pub fn set(&self, layers: u64) {
        self.0.store(layers, Ordering::Relaxed);
    }
}

impl PersistentField<'_, u64> for MutedLayers {
    fn set(&self, layers: u64) {
        Self::set(self, layers);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&u64) -> R,
    {
        f(&self.get())
    }
}
