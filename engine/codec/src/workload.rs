//! Arithmetic and memory traffic of a model, from its layout: the base of a lower bound of its time.

use residue_kernels::{Linear, MachineLimits, Precision};

use super::config::{CodecConfig, FeedForward, ModuleConfig, TransformerConfig};

/// Streams that a pass encodes and decodes, and the frames of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassShape {
    /// Streams through the encoder.
    pub encoded: usize,
    /// Streams through the decoder: those of all lanes.
    pub decoded: usize,
    /// Frames of each stream.
    pub frames: usize,
}

/// Memory that a pass reads and multiply-adds that it computes, with full attention windows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Workload {
    /// Bytes of packed weights, each read once.
    pub weight_bytes: f64,
    /// Bytes of keys and values, each read once.
    pub kv_bytes: f64,
    /// Multiply-adds of linear layers.
    pub linear: f64,
    /// Multiply-adds of attention: queries by keys, and weights by values.
    pub attention: f64,
    /// Multiply-adds of the quantizer, in f32.
    pub quantizer: f64,
}

impl Workload {
    /// Returns the workload of a pass of `config` in `precision`.
    pub fn of_pass(config: &CodecConfig, precision: Precision, pass: PassShape) -> Self {
        let mut work = Self::default();
        let mut steps = config.frame_samples * if config.interleave { config.channels } else { 1 };
        for (modules, streams, downsample) in
            [(&config.encoder, pass.encoded, true), (&config.decoder, pass.decoded, false)]
        {
            if !downsample {
                steps = 1;
            }
            for module in modules {
                if let ModuleConfig::Transformer(stage) = module {
                    let rows = (streams * pass.frames * steps) as f64;
                    work.add_stage(stage, precision, config.square_projections, streams, rows);
                }
                steps = module.steps_after(downsample, steps);
            }
        }
        let quantizer = &config.quantizer;
        work.weight_bytes += 4.0 * quantizer.parameters() as f64;
        let ends = quantizer.rvq * (quantizer.codebook_dim + 1);
        let search = quantizer.codebook_size * quantizer.codebook_dim;
        let (encoded, decoded) = (pass.encoded as f64, pass.decoded as f64);
        let layers = quantizer.layers as f64;
        work.quantizer = pass.frames as f64
            * (encoded * (quantizer.input * quantizer.rvq) as f64
                + encoded * layers * (search + 2 * ends) as f64
                + decoded * (layers * ends as f64 + (quantizer.rvq * quantizer.output) as f64));
        work
    }

    fn add_stage(
        &mut self,
        stage: &TransformerConfig,
        precision: Precision,
        square_projections: bool,
        streams: usize,
        rows: f64,
    ) {
        let TransformerConfig { input, output, width, layers, context, .. } = *stage;
        let (wide, hidden) = match stage.feed_forward {
            FeedForward::Plain { hidden } => (hidden, hidden),
            FeedForward::Gated { hidden, .. } => (2 * hidden, hidden),
        };
        let layer = [(3 * width, width), (width, width), (wide, width), (width, hidden)];
        for (output, input) in layer {
            self.weight_bytes += (layers * Linear::packed_bytes(precision, output, input)) as f64;
            self.linear += (layers * output * input) as f64 * rows;
        }
        // In the integer precisions the projections around a stage are in bfloat16.
        let around = if precision.is_integer() { Precision::Bf16 } else { precision };
        for (output, input) in [(width, input), (output, width)] {
            if output != input || square_projections {
                self.weight_bytes += Linear::packed_bytes(around, output, input) as f64;
                self.linear += (output * input) as f64 * rows;
            }
        }
        let element = if precision == Precision::F32 { 4 } else { 2 };
        self.kv_bytes += (2 * layers * context * width * element * streams) as f64;
        self.attention += (2 * layers * context * width) as f64 * rows;
    }

    /// Returns the least seconds that the pass can take on a machine: the larger of reading and arithmetic.
    pub fn floor_seconds(&self, precision: Precision, limits: &MachineLimits) -> f64 {
        let linear = if precision.is_integer() { limits.int8 } else { limits.float };
        let arithmetic = self.linear / linear + (self.attention + self.quantizer) / limits.float;
        arithmetic.max((self.weight_bytes + self.kv_bytes) / limits.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of docs/performance.md.
    #[test]
    fn published_layouts_have_the_documented_workload() {
        let pass = PassShape { encoded: 1, decoded: 1, frames: 1 };
        let near = |found: f64, documented: f64| {
            assert!(
                (found / documented - 1.0).abs() < 0.05,
                "{found:.4e}, documented {documented:.4e}"
            );
        };
        let nano = Workload::of_pass(&CodecConfig::nano(), Precision::F32, pass);
        near(nano.weight_bytes, 88e6);
        near(nano.kv_bytes, 51e6);
        near(nano.linear, 0.33e9);
        near(nano.attention, 0.27e9);
        let v1 = Workload::of_pass(&CodecConfig::v1(), Precision::Int8, pass);
        near(v1.weight_bytes, 1.8e9);
        near(v1.kv_bytes, 0.17e9);
        near(v1.linear, 3.6e9);
        near(v1.attention, 0.41e9);
        let v2 = Workload::of_pass(&CodecConfig::v2(), Precision::Int4, pass);
        near(v2.linear, 11.8e9);
        near(v2.attention, 0.92e9);
    }

    #[test]
    fn the_floor_is_the_tighter_limit() {
        let work = Workload { weight_bytes: 1e9, linear: 4e9, ..Workload::default() };
        let limits = MachineLimits { read: 1e9, float: 2e9, int8: 8e9 };
        assert_eq!(work.floor_seconds(Precision::F32, &limits), 2.0);
        assert_eq!(work.floor_seconds(Precision::Int8, &limits), 1.0);
    }
}
