//! Muted layers: a bit a layer, shared by editor, state and audio thread.

use std::sync::atomic::{AtomicU64, Ordering};

use nice_plug::params::persist::PersistentField;

/// Bit k: RVQ layer k (from 0) is not decoded. Reading and writing is realtime-safe.
#[derive(Debug, Default)]
pub struct MutedLayers(AtomicU64);

impl MutedLayers {
    /// The bits.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes effect with the next block.
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
