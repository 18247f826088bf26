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

/// A 1x1 convolution: y = W x + b.
struct Projection {
    input: usize,
    /// W, row-major (out, in); (in, out) up to [`COLUMN_MAJOR_INPUTS`] inputs, which vectorises over outputs.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Most inputs of a projection that is stored and summed column by column; each sum has the order of [`dot`].
const COLUMN_MAJOR_INPUTS: usize = 8;

impl Projection {
    /// Loads a weight-normed convolution in any of its three spellings: parametrizations, weight_g and
    /// weight_v, or the merged weight.
    fn load(scope: &TensorScope<'_>, output: usize, input: usize) -> Result<Self, CodecError> {
        let mut weight = if scope.has("weight") {
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
        if input <= COLUMN_MAJOR_INPUTS {
            let column = |d: usize| weight.iter().skip(d).step_by(input).copied();
            weight = (0..input).flat_map(column).collect();
        }
        Ok(Self { input, weight, bias: scope.values(&["bias"], &[output])? })
    }

    /// Loads a projection, none (the identity) where the widths agree.
    fn load_unless_equal(
        scope: &TensorScope<'_>,
        output: usize,
        input: usize,
    ) -> Result<Option<Self>, CodecError> {
        (output != input).then(|| Self::load(scope, output, input)).transpose()
    }

    /// Writes W x + b to `y`.
    fn apply(&self, x: &[f32], y: &mut [f32]) {
        if self.input <= COLUMN_MAJOR_INPUTS {
            y.fill(0.0);
            for (column, x) in self.weight.chunks_exact(y.len()).zip(x) {
                y.iter_mut().zip(column).for_each(|(y, weight)| *y += weight * x);
            }
            y.iter_mut().zip(&self.bias).for_each(|(y, bias)| *y += bias);
            return;
        }
        for ((y, row), bias) in
            y.iter_mut().zip(self.weight.chunks_exact(self.input)).zip(&self.bias)
        {
            *y = dot(row, x) + bias;
        }
    }
}

/// Applies a projection; none is the identity.
fn project(projection: Option<&Projection>, x: &[f32], y: &mut [f32]) {
    match projection {
        Some(projection) => projection.apply(x, y),
        None => y.copy_from_slice(x),
    }
}

/// Returns the sum of products in a fixed order: eight interleaved sums, which vectorise.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    let mut sums = [0f32; 8];
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// One layer of the residual quantizer.
struct RvqLayer {
    input: Option<Projection>,
    output: Option<Projection>,
    /// Rows as stored, (size, dim).
    codebook: Vec<f32>,
    /// Normalised rows, transposed to (dim, size), so that the search vectorises over rows.
    searched: Vec<f32>,
    /// Squared norms of the normalised rows: 1 within rounding, or 0.
    norms: Vec<f32>,
}

impl RvqLayer {
    fn load(scope: &TensorScope<'_>, config: &QuantizerConfig) -> Result<Self, CodecError> {
        let dim = config.codebook_dim;
        let codebook = scope.at("codebook").values(&["weight"], &[config.codebook_size, dim])?;
        let mut rows = codebook.clone();
        rows.chunks_exact_mut(dim).for_each(normalize);
        let norms = rows.chunks_exact(dim).map(|row| dot(row, row)).collect();
        let column = |d: usize| rows.iter().skip(d).step_by(dim).copied();
        let searched = (0..dim).flat_map(column).collect();
        Ok(Self {
            input: Projection::load_unless_equal(&scope.at("in_proj"), dim, config.rvq)?,
            output: Projection::load_unless_equal(&scope.at("out_proj"), config.rvq, dim)?,
            codebook,
            searched,
            norms,
        })
    }

    /// Returns the index of the row nearest to `x`, the first of equals. `scratch` holds one number a row.
    fn nearest(&self, x: &[f32], scratch: &mut [f32]) -> usize {
        scratch.fill(0.0);
        for (column, x) in self.searched.chunks_exact(scratch.len()).zip(x) {
            scratch.iter_mut().zip(column).for_each(|(product, row)| *product += row * x);
        }
        // |x - row|² without |x|², which is the same for all rows; eight interleaved minima.
        let mut least = [f32::INFINITY; 8];
        let (products, rest) = scratch.as_chunks_mut::<8>();
        let (norms, rest_norms) = self.norms.as_chunks::<8>();
        for (products, norms) in products.iter_mut().zip(norms) {
            for i in 0..8 {
                products[i] = norms[i] - 2.0 * products[i];
                least[i] = if products[i] < least[i] { products[i] } else { least[i] };
            }
        }
        for (product, norm) in rest.iter_mut().zip(rest_norms) {
            *product = norm - 2.0 * *product;
            least[0] = least[0].min(*product);
        }
        let least = least.into_iter().fold(f32::INFINITY, f32::min);
        scratch.iter().position(|distance| *distance == least).unwrap_or(0)
    }
}

/// Divides a vector by its norm, or by 1e-12 if that is larger, as PyTorch's `normalize` does.
fn normalize(x: &mut [f32]) {
    let norm = dot(x, x).sqrt().max(1e-12);
    x.iter_mut().for_each(|x| *x /= norm);
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
    /// Distances to the rows of a codebook, (codebook_size).
    products: Vec<f32>,
}

/// The residual quantizer of a model.
pub struct Quantizer {
    config: QuantizerConfig,
    input: Option<Projection>,
    layers: Vec<RvqLayer>,
    output: Option<Projection>,
}

impl Quantizer {
    pub(super) fn load(
        scope: &TensorScope<'_>,
        config: &QuantizerConfig,
    ) -> Result<Self, CodecError> {
        let layers = scope.at("quantizers");
        Ok(Self {
            input: Projection::load_unless_equal(
                &scope.at("input_proj"),
                config.rvq,
                config.input,
            )?,
            layers: (0..config.layers)
                .map(|i| RvqLayer::load(&layers.at(i), config))
                .collect::<Result<_, _>>()?,
            output: Projection::load_unless_equal(
                &scope.at("output_proj"),
                config.output,
                config.rvq,
            )?,
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
        let QuantizerConfig { rvq, codebook_dim, codebook_size, .. } = self.config;
        QuantizerScratch {
            sum: vec![0.0; rvq],
            step: vec![0.0; rvq],
            low: vec![0.0; codebook_dim],
            products: vec![0.0; codebook_size],
        }
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
        let QuantizerScratch { sum: residual, step, low, products } = scratch;
        project(self.input.as_ref(), latent, residual);
        for (k, layer) in self.layers[..depth].iter().enumerate() {
            project(layer.input.as_ref(), residual, low);
            normalize(low);
            let code = layer.nearest(low, products);
            found(k, code as u32);
            project(layer.output.as_ref(), self.row(layer, code), step);
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
            project(layer.output.as_ref(), self.row(layer, code(k) as usize), step);
            sum.iter_mut().zip(&*step).for_each(|(s, x)| *s += x);
        }
        project(self.output.as_ref(), sum, latent);
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
