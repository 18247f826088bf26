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

/// Frames that go through the layers together, so that a layer is read from memory once for all of them.
const FRAME_GROUP: usize = 32;

/// Buffers for a group of frames.
pub(super) struct QuantizerScratch {
    /// Residuals while quantizing, sums of layers while dequantizing; (frames of a group, rvq).
    sums: Vec<f32>,
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
        self.quantize_frames(&latents.data, depth, &mut self.scratch(), |t, k, code| {
            codes[k * frames + t] = code;
        });
        Ok(Codes::new(depth, frames, codes))
    }

    /// Returns the margin of each code that [`Quantizer::quantize`] gives, layer-major: how much farther the
    /// second-nearest entry is than the nearest, in squared distance of vectors of length 1 (0 to 4). Rounding may
    /// decide a code of a margin near 0.
    ///
    /// Allocates; not realtime-safe.
    ///
    /// # Errors
    /// If `depth` is not one of 1..=layers.
    ///
    /// # Panics
    /// If the latents are not as wide as the encoder's output.
    pub fn margins(&self, latents: &Latents, depth: usize) -> Result<Vec<f32>, InputError> {
        assert_eq!(latents.width, self.config.input, "latents come from the encoder");
        self.check_depth(depth)?;
        let QuantizerConfig { rvq, codebook_dim: dim, .. } = self.config;
        let frames = latents.frames();
        let mut margins = vec![0f32; depth * frames];
        let (mut residual, mut step, mut low) = (vec![0f32; rvq], vec![0f32; rvq], vec![0f32; dim]);
        for (t, latent) in latents.data.chunks_exact(latents.width).enumerate() {
            project(self.input.as_ref(), self.isa, latent, &mut residual);
            for (k, layer) in self.layers[..depth].iter().enumerate() {
                project(layer.input.as_ref(), self.isa, &residual, &mut low);
                normalize(&mut low);
                let [mut first, mut second] = [f64::NEG_INFINITY; 2];
                for row in layer.codebook.chunks_exact(dim) {
                    let dot = |a: &[f32], b: &[f32]| -> f64 {
                        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                    };
                    let cosine = dot(row, &low) / dot(row, row).sqrt().max(f64::MIN_POSITIVE);
                    second = second.max(cosine.min(first));
                    first = first.max(cosine);
                }
                // Of a codebook of one row nothing is undecided.
                margins[k * frames + t] = (2.0 * (first - second)).min(4.0) as f32;
                let code = layer.searched.nearest(self.isa, &low);
                project(layer.output.as_ref(), self.isa, self.row(layer, code), &mut step);
                residual.iter_mut().zip(&step).for_each(|(r, s)| *r -= s);
            }
        }
        Ok(margins)
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
        let code = |t, k| codes.get(k, t);
        self.dequantize_frames(|_| layers, code, &mut self.scratch(), &mut data);
        Ok(Latents { width, data })
    }

    /// Allocates the buffers of a stream.
    pub(super) fn scratch(&self) -> QuantizerScratch {
        let QuantizerConfig { rvq, codebook_dim, .. } = self.config;
        QuantizerScratch {
            sums: vec![0.0; FRAME_GROUP * rvq],
            step: vec![0.0; rvq],
            low: vec![0.0; codebook_dim],
        }
    }

    /// Quantizes frames of the encoder's output, (frames, input), and calls `found` with the frame, the layer and the
    /// code of each of the first `depth` layers. Allocates nothing.
    pub(super) fn quantize_frames(
        &self,
        latents: &[f32],
        depth: usize,
        scratch: &mut QuantizerScratch,
        mut found: impl FnMut(usize, usize, u32),
    ) {
        let QuantizerConfig { input, rvq, .. } = self.config;
        let QuantizerScratch { sums, step, low } = scratch;
        for (group, latents) in latents.chunks(FRAME_GROUP * input).enumerate() {
            let residuals = &mut sums[..latents.len() / input * rvq];
            for (latent, residual) in
                latents.chunks_exact(input).zip(residuals.chunks_exact_mut(rvq))
            {
                project(self.input.as_ref(), self.isa, latent, residual);
            }
            for (k, layer) in self.layers[..depth].iter().enumerate() {
                for (t, residual) in residuals.chunks_exact_mut(rvq).enumerate() {
                    project(layer.input.as_ref(), self.isa, residual, low);
                    normalize(low);
                    let code = layer.searched.nearest(self.isa, low);
                    found(group * FRAME_GROUP + t, k, code as u32);
                    project(layer.output.as_ref(), self.isa, self.row(layer, code), step);
                    residual.iter_mut().zip(&*step).for_each(|(r, s)| *r -= s);
                }
            }
        }
    }

    /// Writes the decoder's input for frames of checked codes to `latents`, (frames, output). `selection` gives the
    /// layers of a frame, and `code` the code of a frame and layer. Allocates nothing.
    pub(super) fn dequantize_frames(
        &self,
        selection: impl Fn(usize) -> LayerSelection,
        code: impl Fn(usize, usize) -> u32,
        scratch: &mut QuantizerScratch,
        latents: &mut [f32],
    ) {
        let QuantizerConfig { rvq, output, .. } = self.config;
        let QuantizerScratch { sums, step, .. } = scratch;
        for (group, latents) in latents.chunks_mut(FRAME_GROUP * output).enumerate() {
            let first = group * FRAME_GROUP;
            let sums = &mut sums[..latents.len() / output * rvq];
            sums.fill(0.0);
            for (k, layer) in self.layers.iter().enumerate() {
                for (t, sum) in sums.chunks_exact_mut(rvq).enumerate() {
                    if !selection(first + t).includes(k) {
                        continue;
                    }
                    let row = self.row(layer, code(first + t, k) as usize);
                    project(layer.output.as_ref(), self.isa, row, step);
                    sum.iter_mut().zip(&*step).for_each(|(s, x)| *s += x);
                }
            }
            for (sum, latent) in sums.chunks_exact(rvq).zip(latents.chunks_exact_mut(output)) {
                project(self.output.as_ref(), self.isa, sum, latent);
            }
        }
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
