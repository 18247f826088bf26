//! The residual quantizer, always in f32 and frame by frame, whatever runs the transformers: its
//! choices must not depend on a device or on how many frames arrive together.
//!
//! Source: `MossAudioTokenizerResidualLFQ` of the reference. Each layer projects the residual to a
//! few dimensions, picks the codebook row nearest in direction, and subtracts the projection of that
//! row, at its own length, from the residual.

use super::config::QuantizerConfig;
use super::error::{CodecError, InputError};
use super::layer_selection::LayerSelection;
use super::tensor_scope::TensorScope;
use residue_core::codes::Codes;

/// A 1x1 convolution: y = W x + b.
struct Projection {
    input: usize,
    /// Row-major (out, in); column by column for [`FEW`] inputs, whose products with all outputs then
    /// build up side by side.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Inputs up to which a projection adds up column by column, in the order in which [`dot`] does.
const FEW: usize = 8;

impl Projection {
    /// Reads a weight-normed convolution in any of its three spellings: parametrizations, weight_g
    /// and weight_v, or the merged weight.
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
                // A row of zeros has no direction; zero is what any gain makes of it.
                let scale = if norm > 0.0 { (f64::from(gain) / norm) as f32 } else { 0.0 };
                row.iter_mut().for_each(|x| *x *= scale);
            }
            weight
        };
        if input <= FEW {
            let column = |d: usize| weight.iter().skip(d).step_by(input).copied();
            weight = (0..input).flat_map(column).collect();
        }
        Ok(Self { input, weight, bias: scope.values(&["bias"], &[output])? })
    }

    /// A projection that is the identity where the widths agree.
    fn load_unless_equal(
        scope: &TensorScope<'_>,
        output: usize,
        input: usize,
    ) -> Result<Option<Self>, CodecError> {
        (output != input).then(|| Self::load(scope, output, input)).transpose()
    }

    fn apply(&self, x: &[f32], y: &mut [f32]) {
        if self.input <= FEW {
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

/// Runs an optional projection; none copies.
fn project(projection: Option<&Projection>, x: &[f32], y: &mut [f32]) {
    match projection {
        Some(projection) => projection.apply(x, y),
        None => y.copy_from_slice(x),
    }
}

/// Sum of products, in eight interleaved sums so that it vectorises; the order is fixed.
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

struct Layer {
    input: Option<Projection>,
    output: Option<Projection>,
    /// Rows as stored, (size, dim).
    codebook: Vec<f32>,
    /// Rows as searched: normalised, and transposed to (dim, size), so that all distances to a vector
    /// build up side by side.
    searched: Vec<f32>,
    /// Squared norms of the normalised rows: 1 up to rounding, or 0.
    norms: Vec<f32>,
}

impl Layer {
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

    /// Index of the row nearest to `x`, the first of equals. `scratch` holds a number a row.
    fn nearest(&self, x: &[f32], scratch: &mut [f32]) -> usize {
        scratch.fill(0.0);
        for (column, x) in self.searched.chunks_exact(scratch.len()).zip(x) {
            scratch.iter_mut().zip(column).for_each(|(product, row)| *product += row * x);
        }
        // |x - row|² without |x|², which all rows share; eight minima side by side.
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

/// To length 1; vectors shorter than 1e-12 are divided by that, as PyTorch's `normalize` does.
fn normalize(x: &mut [f32]) {
    let norm = dot(x, x).sqrt().max(1e-12);
    x.iter_mut().for_each(|x| *x /= norm);
}

/// Vectors of consecutive frames, frame by frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    /// Numbers a frame.
    pub width: usize,
    /// `frames * width` numbers.
    pub data: Vec<f32>,
}

impl Latents {
    /// Frames held.
    pub fn frames(&self) -> usize {
        self.data.len() / self.width
    }
}

/// Working memory for one frame at a time.
pub(super) struct QuantizerScratch {
    /// What is left of the latent, or what has been put together of it.
    sum: Vec<f32>,
    /// One layer's part of it.
    step: Vec<f32>,
    low: Vec<f32>,
    products: Vec<f32>,
}

/// The quantizer's weights.
pub struct Quantizer {
    config: QuantizerConfig,
    input: Option<Projection>,
    layers: Vec<Layer>,
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
                .map(|i| Layer::load(&layers.at(i), config))
                .collect::<Result<_, _>>()?,
            output: Projection::load_unless_equal(
                &scope.at("output_proj"),
                config.output,
                config.rvq,
            )?,
            config: config.clone(),
        })
    }

    /// Codes of the first `depth` layers for each frame of the encoder's output.
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
        self.check(depth)?;
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

    /// The decoder's input for some layers of `codes`: a depth, or [`LayerSelection`].
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

    /// Working memory of a stream. Allocates.
    pub(super) fn scratch(&self) -> QuantizerScratch {
        let QuantizerConfig { rvq, codebook_dim, codebook_size, .. } = self.config;
        QuantizerScratch {
            sum: vec![0.0; rvq],
            step: vec![0.0; rvq],
            low: vec![0.0; codebook_dim],
            products: vec![0.0; codebook_size],
        }
    }

    /// Tells `found` the code of each of the first `depth` layers for one frame of the encoder's
    /// output. Allocates nothing.
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

    /// The decoder's input for one frame of codes, which have been checked. Allocates nothing.
    pub(super) fn dequantize_frame(
        &self,
        heard: LayerSelection,
        code: impl Fn(usize) -> u32,
        scratch: &mut QuantizerScratch,
        latent: &mut [f32],
    ) {
        let QuantizerScratch { sum, step, .. } = scratch;
        sum.fill(0.0);
        let layers = self.layers[..heard.depth].iter().enumerate();
        for (k, layer) in layers.filter(|(k, _)| heard.hears(*k)) {
            project(layer.output.as_ref(), self.row(layer, code(k) as usize), step);
            sum.iter_mut().zip(&*step).for_each(|(s, x)| *s += x);
        }
        project(self.output.as_ref(), sum, latent);
    }

    /// A row of the codebook as stored.
    fn row<'a>(&self, layer: &'a Layer, code: usize) -> &'a [f32] {
        let dim = self.config.codebook_dim;
        &layer.codebook[code * dim..(code + 1) * dim]
    }

    /// Whether `codes`, layer-major, hold `depth` layers that the model has, and only codes of its
    /// codebooks in them.
    pub(super) fn check_codes(
        &self,
        codes: &[u32],
        frames: usize,
        depth: usize,
    ) -> Result<(), InputError> {
        self.check(depth)?;
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

    pub(super) fn check(&self, depth: usize) -> Result<(), InputError> {
        let available = self.layers.len();
        if (1..=available).contains(&depth) {
            Ok(())
        } else {
            Err(InputError::Depth { available, found: depth })
        }
    }
}
