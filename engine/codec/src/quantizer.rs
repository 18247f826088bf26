//! The residual quantizer. It always runs in f32 and frame by frame, so that codes depend neither on the
//! executor of the transformers nor on how many frames arrive together.
//!
//! Source: `MossAudioTokenizerResidualLFQ` of the reference. Each layer projects the residual to a few
//! dimensions, chooses the codebook row nearest in direction, and subtracts the projection of that row, not
//! normalised, from the residual.

use super::config::QuantizerConfig;
use super::error::{CodecError, InputError};
use super::layer_selection::LayerSelection;
use super::tensor_scope::TensorScope;
use residue_core::codes::Codes;
use residue_kernels::{Affine, Codebook, Isa, normalize};

/// Loads a weight-normed 1x1 convolution, y = W x + b, in any of its three spellings: parametrizations, weight_g and
/// weight_v, or the merged weight.
fn load_projection(
    scope: &TensorScope<'_>,
    output: usize,
    input: usize,
) -> Result<Affine, CodecError> {
    let weight = if scope.has("weight") {
        scope.values(&["weight"], &[output, input])?
    } else {
        let gain = ["parametrizations.weight.original0", "weight_g"];
        let direction = ["parametrizations.weight.original1", "weight_v"];
        let gain = scope.values(&gain, &[output])?;
        let mut weight = scope.values(&direction, &[output, input])?;
        for (row, gain) in weight.chunks_exact_mut(input).zip(gain) {
            let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            // A row of zeros has no direction and stays zero under any gain.
            let scale = if norm > 0.0 { (f64::from(gain) / norm) as f32 } else { 0.0 };
            row.iter_mut().for_each(|x| *x *= scale);
        }
        weight
    };
    Ok(Affine::new(weight, scope.values(&["bias"], &[output])?, input))
}

/// Loads a projection, none (the identity) where the widths agree.
fn load_unless_equal(
    scope: &TensorScope<'_>,
    output: usize,
    input: usize,
) -> Result<Option<Affine>, CodecError> {
    (output != input).then(|| load_projection(scope, output, input)).transpose()
}

/// Applies a projection; none is the identity.
fn project(projection: Option<&Affine>, isa: Isa, x: &[f32], y: &mut [f32]) {
    match projection {
        Some(projection) => projection.apply(isa, x, y),
        None => y.copy_from_slice(x),
    }
}

/// One layer of the residual quantizer.
struct RvqLayer {
    input: Option<Affine>,
    output: Option<Affine>,
    /// Rows as stored, (size, dim).
    codebook: Vec<f32>,
    searched: Codebook,
}

impl RvqLayer {
    fn load(scope: &TensorScope<'_>, config: &QuantizerConfig) -> Result<Self, CodecError> {
        let dim = config.codebook_dim;
        let codebook = scope.at("codebook").values(&["weight"], &[config.codebook_size, dim])?;
        Ok(Self {
            input: load_unless_equal(&scope.at("in_proj"), dim, config.rvq)?,
            output: load_unless_equal(&scope.at("out_proj"), config.rvq, dim)?,
            searched: Codebook::new(codebook.clone(), dim),
            codebook,
        })
    }
}

/// Latent vectors of consecutive frames, (frames, width).
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    /// Numbers of a frame.
    pub width: usize,
    /// Frame-major values, `frames * width` numbers.
    pub data: Vec<f32>,
}

impl Latents {
    /// Returns the number of frames.
    pub fn frames(&self) -> usize {
        self.data.len() / self.width
    }
}

/// Buffers for one frame.
pub(super) struct QuantizerScratch {
    /// Residual while quantizing, sum of layers while dequantizing; (rvq).
    sum: Vec<f32>,
    /// One layer's contribution, (rvq).
    step: Vec<f32>,
    /// Residual projected to the codebook's dimensions, (codebook_dim).
    low: Vec<f32>,
}

/// The residual quantizer of a model.
pub struct Quantizer {
    config: QuantizerConfig,
    isa: Isa,
    input: Option<Affine>,
    layers: Vec<RvqLayer>,
    output: Option<Affine>,
}

impl Quantizer {
    pub(super) fn load(
        scope: &TensorScope<'_>,
        config: &QuantizerConfig,
    ) -> Result<Self, CodecError> {
        let layers = scope.at("quantizers");
        Ok(Self {
            isa: Isa::best(),
            input: load_unless_equal(&scope.at("input_proj"), config.rvq, config.input)?,
            layers: (0..config.layers)
                .map(|i| RvqLayer::load(&layers.at(i), config))
                .collect::<Result<_, _>>()?,
            output: load_unless_equal(&scope.at("output_proj"), config.output, config.rvq)?,
            config: config.clone(),
        })
    }

    /// Returns the codes of the first `depth` layers for each frame of the encoder's output.
    ///
    /// Allocates; not realtime-safe.
    ///
    /// # Errors
    /// If `depth` is not one of 1..=layers.
    ///
    /// # Panics
    /// If the latents are not as wide as the encoder's output.
    pub fn quantize(&self, latents: &Latents, depth: usize) -> Result<Codes, InputError> {
        assert_eq!(latents.width, self.config.input, "latents come from the encoder");
        self.check_depth(depth)?;
        let frames = latents.frames();
        let mut codes = vec![0u32; depth * frames];
        let mut scratch = self.scratch();
        for (t, latent) in latents.data.chunks_exact(latents.width).enumerate() {
            self.quantize_frame(latent, depth, &mut scratch, |k, code| {
                codes[k * frames + t] = code;
            });
        }
        Ok(Codes::new(depth, frames, codes))
    }

    /// Returns the decoder's input for some layers of `codes`: a depth, or a [`LayerSelection`].
    ///
    /// Allocates; not realtime-safe.
    ///
    /// # Errors
    /// If `codes` has fewer layers than the depth or the model has, or a code lies outside its
    /// codebook.
    pub fn dequantize(
        &self,
        codes: &Codes,
        layers: impl Into<LayerSelection>,
    ) -> Result<Latents, InputError> {
        let layers = layers.into();
        self.check_codes(codes.data(), codes.frames(), layers.depth)?;
        let width = self.config.output;
        let mut data = vec![0f32; codes.frames() * width];
        let mut scratch = self.scratch();
        for (t, latent) in data.chunks_exact_mut(width).enumerate() {
            self.dequantize_frame(layers, |k| codes.get(k, t), &mut scratch, latent);
        }
        Ok(Latents { width, data })
    }

    /// Allocates the buffers of a stream.
    pub(super) fn scratch(&self) -> QuantizerScratch {
        let QuantizerConfig { rvq, codebook_dim, .. } = self.config;
        QuantizerScratch { sum: vec![0.0; rvq], step: vec![0.0; rvq], low: vec![0.0; codebook_dim] }
    }

    /// Quantizes one frame of the encoder's output and calls `found` with the code of each of the first
    /// `depth` layers. Allocates nothing.
    pub(super) fn quantize_frame(
        &self,
        latent: &[f32],
        depth: usize,
        scratch: &mut QuantizerScratch,
        mut found: impl FnMut(usize, u32),
    ) {
        let QuantizerScratch { sum: residual, step, low } = scratch;
        project(self.input.as_ref(), self.isa, latent, residual);
        for (k, layer) in self.layers[..depth].iter().enumerate() {
            project(layer.input.as_ref(), self.isa, residual, low);
            normalize(low);
            let code = layer.searched.nearest(self.isa, low);
            found(k, code as u32);
            project(layer.output.as_ref(), self.isa, self.row(layer, code), step);
            residual.iter_mut().zip(&*step).for_each(|(r, s)| *r -= s);
        }
    }

    /// Writes the decoder's input for one frame of checked codes to `latent`. Allocates nothing.
    pub(super) fn dequantize_frame(
        &self,
        selection: LayerSelection,
        code: impl Fn(usize) -> u32,
        scratch: &mut QuantizerScratch,
        latent: &mut [f32],
    ) {
        let QuantizerScratch { sum, step, .. } = scratch;
        sum.fill(0.0);
        let layers = self.layers[..selection.depth].iter().enumerate();
        for (k, layer) in layers.filter(|(k, _)| selection.includes(*k)) {
            project(layer.output.as_ref(), self.isa, self.row(layer, code(k) as usize), step);
            sum.iter_mut().zip(&*step).for_each(|(s, x)| *s += x);
        }
        project(self.output.as_ref(), self.isa, sum, latent);
    }

    /// Returns a row of the codebook as stored.
    fn row<'a>(&self, layer: &'a RvqLayer, code: usize) -> &'a [f32] {
        let dim = self.config.codebook_dim;
        &layer.codebook[code * dim..(code + 1) * dim]
    }

    /// Checks that `codes`, layer-major, hold `depth` layers of the model, and no code outside its codebooks.
    pub(super) fn check_codes(
        &self,
        codes: &[u32],
        frames: usize,
        depth: usize,
    ) -> Result<(), InputError> {
        self.check_depth(depth)?;
        if frames > 0 && codes.len() < depth * frames {
            return Err(InputError::Depth { available: codes.len() / frames, found: depth });
        }
        let size = self.config.codebook_size;
        let outside = codes[..depth * frames].iter().position(|&code| code as usize >= size);
        match outside {
            None => Ok(()),
            Some(at) => {
                let (layer, frame, found) = (at / frames, at % frames, codes[at]);
                Err(InputError::Code { layer, frame, found, size })
            }
        }
    }

    /// Checks that the model has `depth` layers.
    pub(super) fn check_depth(&self, depth: usize) -> Result<(), InputError> {
        let available = self.layers.len();
        if (1..=available).contains(&depth) {
            Ok(())
        } else {
            Err(InputError::Depth { available, found: depth })
        }
    }
}
