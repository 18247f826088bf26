//! Seeded random weights in the layout of a configuration, for benchmarks and tests.

use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::*;

use super::checkpoint::TensorSource;
use super::error::CheckpointError;

/// Weights that exist for every name: uniform, of variance 1 / fan-in, so that signals neither
/// vanish nor explode on their way through a deep model. Gains are 1 and biases 0.
pub(super) struct RandomWeights {
    pub seed: u64,
    /// As [`super::CodecConfig::square_projections`].
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
            let bits = mix(stream.wrapping_add(i as u64)) >> 40;
            (bits as f32 / (1u64 << 23) as f32 - 1.0) * range
        };
        Ok((0..length).into_par_iter().with_min_len(1 << 14).map(draw).collect())
    }

    fn has(&self, _name: &str) -> bool {
        // Asked about spellings, of which any will do, and about projections between equal widths.
        self.square_projections
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a counter turned into well-mixed bits.
fn mix(counter: u64) -> u64 {
    let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
