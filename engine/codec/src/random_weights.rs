//! Seeded random weights in the layout of a configuration, for benchmarks and tests.

use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::*;
use residue_core::random::split_mix;

use super::error::CheckpointError;
use super::tensor_source::TensorSource;

/// Random weights for any name: uniform with variance 1 / fan-in, so that signals neither vanish nor explode
/// in a deep model. Gains are 1, layer scales 0.05 and biases 0.
pub(super) struct RandomWeights {
    pub seed: u64,
    /// See [`super::CodecConfig::square_projections`].
    pub square_projections: bool,
}

impl TensorSource for RandomWeights {
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let name = &names[0];
        let length = shape.iter().product();
        if name.ends_with("bias") {
            return Ok(vec![0.0; length]);
        }
        if shape.len() == 1 {
            let gain = if name.contains("layer_scale") { 0.05 } else { 1.0 };
            return Ok(vec![gain; length]);
        }
        let mut hasher = DefaultHasher::new();
        (self.seed, name).hash(&mut hasher);
        let stream = hasher.finish();
        let range = (3.0 / shape[1] as f32).sqrt();
        let draw = |i: usize| {
            let bits = split_mix(0, stream.wrapping_add(i as u64)) >> 40;
            (bits as f32 / (1u64 << 23) as f32 - 1.0) * range
        };
        Ok((0..length).into_par_iter().with_min_len(1 << 14).map(draw).collect())
    }

    fn has(&self, _name: &str) -> bool {
        // Callers ask for one of several spellings, any of which will do, and for projections between
        // equal widths.
        self.square_projections
    }
}
