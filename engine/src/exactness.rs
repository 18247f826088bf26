//! A model's results compared with those of the reference implementation, on any weights and audio.
//!
//! The reference is candle in f32, which golden tests hold to the published code: f32, scaled dot-product attention,
//! the whole signal at once.

use residue_codec::{Codec, CodecError, Latents, Precision};
use residue_core::audio::{Audio, MonoTreatment, prepare_audio};
use residue_core::codes::Codes;
use residue_media::measure;

use crate::offline::{OfflineError, OnChunk};

/// Margin below which rounding may decide a code: see [`Quantizer::margins`](residue_codec::Quantizer::margins).
/// The encoders agree within 2e-6 of their peak, which moves a margin by less than this where a layer's residual is a
/// tenth of the latent or more.
pub const UNDECIDED_MARGIN: f32 = 1e-4;

/// Results of the reference implementation for one piece of audio.
pub struct ReferenceRun {
    /// Audio of the model's rate and channels, padded to whole frames.
    planes: Vec<Vec<f32>>,
    latents: Latents,
    codes: Codes,
    /// Margin of each code, layer-major.
    margins: Vec<f32>,
    /// Audio decoded from the codes.
    decoded: Vec<Vec<f32>>,
}

/// Agreement of a model in one precision with the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceAgreement {
    /// Precision of the model.
    pub precision: Precision,
    /// Frames compared.
    pub frames: usize,
    /// Share of codes that are the reference's, by layer.
    pub agreement_by_layer: Vec<f64>,
    /// Frames with another code whose first other code was undecided: two entries were equally near, within
    /// [`UNDECIDED_MARGIN`]. Codes after the first follow from it.
    pub undecided_frames: usize,
    /// Frames with another code whose first other code was decided.
    pub different_frames: usize,
    /// Largest difference of the latents, relative to the reference's peak.
    pub latent_error: f64,
    /// Largest difference of the audio that both decode from the reference's codes, relative to its peak.
    pub audio_error: f64,
}

impl ReferenceAgreement {
    /// Returns true if no decided code differs from the reference's.
    pub fn is_exact(&self) -> bool {
        self.different_frames == 0
    }

    /// Returns the share of all codes that are the reference's.
    pub fn agreement(&self) -> f64 {
        let layers = self.agreement_by_layer.len().max(1);
        self.agreement_by_layer.iter().sum::<f64>() / layers as f64
    }
}

impl ReferenceRun {
    /// Runs a model on the reference implementation, `chunk` frames at a time.
    ///
    /// # Errors
    /// If the audio cannot be laid out for the model, the arithmetic fails, or `progress` breaks.
    pub fn new(
        reference: &Codec,
        audio: &Audio,
        chunk: usize,
        progress: &mut OnChunk<'_>,
    ) -> Result<Self, OfflineError> {
        let config = reference.config();
        let (rate, channels, frame) = (config.sample_rate, config.channels, config.frame_samples);
        let prepared = prepare_audio(audio, rate, channels, frame, MonoTreatment::Mid)?;
        let planes: Vec<Vec<f32>> =
            prepared.streams.first().map_or_else(Vec::new, |stream| stream.channels.clone());
        let latents = encode(reference, &planes, chunk, &mut halves(progress, 0.0))?;
        let depth = config.quantizer.layers;
        let quantizer = reference.quantizer();
        let codes = quantizer.quantize(&latents, depth).map_err(CodecError::from)?;
        let margins = quantizer.margins(&latents, depth).map_err(CodecError::from)?;
        let decoded = decode(reference, &codes, chunk, &mut halves(progress, 0.5))?;
        Ok(Self { planes, latents, codes, margins, decoded })
    }

    /// Returns the number of codes, and how many of them are undecided.
    pub fn codes(&self) -> (usize, usize) {
        let undecided = self.margins.iter().filter(|margin| **margin < UNDECIDED_MARGIN).count();
        (self.margins.len(), undecided)
    }

    /// Runs the model as `codec` has it loaded, and compares.
    ///
    /// # Errors
    /// As [`ReferenceRun::new`].
    pub fn compare(
        &self,
        codec: &Codec,
        chunk: usize,
        progress: &mut OnChunk<'_>,
    ) -> Result<ReferenceAgreement, OfflineError> {
        let latents = encode(codec, &self.planes, chunk, &mut halves(progress, 0.0))?;
        let depth = self.codes.layers();
        let codes = codec.quantizer().quantize(&latents, depth).map_err(CodecError::from)?;
        let decoded = decode(codec, &self.codes, chunk, &mut halves(progress, 0.5))?;
        let frames = codes.frames();
        let (mut undecided_frames, mut different_frames) = (0, 0);
        for t in 0..frames {
            let first = (0..depth).find(|&k| codes.get(k, t) != self.codes.get(k, t));
            match first.map(|k| self.margins[k * frames + t] < UNDECIDED_MARGIN) {
                None => {}
                Some(true) => undecided_frames += 1,
                Some(false) => different_frames += 1,
            }
        }
        let same = [std::slice::from_ref(&codes), std::slice::from_ref(&self.codes)];
        let ours: Vec<&[f32]> = decoded.iter().map(Vec::as_slice).collect();
        let theirs: Vec<&[f32]> = self.decoded.iter().map(Vec::as_slice).collect();
        Ok(ReferenceAgreement {
            precision: codec.precision(),
            frames,
            // Both come from the same audio and depth.
            agreement_by_layer: measure::code_agreement(same[0], same[1]).unwrap_or_default(),
            undecided_frames,
            different_frames,
            latent_error: relative_error(&[&latents.data], &[&self.latents.data]),
            audio_error: relative_error(&ours, &theirs),
        })
    }
}

/// Encodes one stream to latents.
fn encode(
    codec: &Codec,
    planes: &[Vec<f32>],
    chunk: usize,
    progress: &mut OnChunk<'_>,
) -> Result<Latents, OfflineError> {
    let frame = codec.config().frame_samples;
    let total = planes.first().map_or(0, Vec::len);
    let mut encoder = codec.encoder(1);
    let mut all = Latents { width: codec.config().quantizer.input, data: Vec::new() };
    for start in (0..total).step_by(chunk.max(1) * frame) {
        let end = (start + chunk.max(1) * frame).min(total);
        let part: Vec<&[f32]> = planes.iter().map(|plane| &plane[start..end]).collect();
        encoder.latents(&part)?.into_iter().for_each(|next| all.data.extend(next.data));
        step(progress, end, total)?;
    }
    Ok(all)
}

/// Decodes one stream of codes.
fn decode(
    codec: &Codec,
    codes: &Codes,
    chunk: usize,
    progress: &mut OnChunk<'_>,
) -> Result<Vec<Vec<f32>>, OfflineError> {
    let mut decoder = codec.decoder(1);
    let mut all = vec![Vec::new(); codec.config().channels];
    for start in (0..codes.frames()).step_by(chunk.max(1)) {
        let end = (start + chunk.max(1)).min(codes.frames());
        let planes = decoder.decode(&[(&codes.slice(start..end), codes.layers())])?;
        let planes = planes.into_iter().flatten();
        all.iter_mut().zip(planes).for_each(|(plane, next)| plane.extend(next));
        step(progress, end, codes.frames())?;
    }
    Ok(all)
}

/// Returns progress of one half of the work, which begins at `from`.
fn halves<'a>(
    progress: &'a mut OnChunk<'_>,
    from: f64,
) -> impl FnMut(f64) -> std::ops::ControlFlow<()> + 'a {
    move |share| progress(from + share / 2.0)
}

fn step(progress: &mut OnChunk<'_>, done: usize, total: usize) -> Result<(), OfflineError> {
    match progress(done as f64 / total.max(1) as f64) {
        std::ops::ControlFlow::Continue(()) => Ok(()),
        std::ops::ControlFlow::Break(()) => Err(OfflineError::Cancelled),
    }
}

/// Returns the largest difference relative to the largest magnitude of `reference`; infinite if a value is not
/// finite.
fn relative_error(found: &[&[f32]], reference: &[&[f32]]) -> f64 {
    let (mut difference, mut peak) = (0f64, 0f64);
    for (a, b) in found.iter().zip(reference).flat_map(|(a, b)| a.iter().zip(*b)) {
        let distance = f64::from((a - b).abs());
        difference = if distance.is_finite() { difference.max(distance) } else { f64::INFINITY };
        peak = peak.max(f64::from(b.abs()));
    }
    if difference == 0.0 { 0.0 } else { difference / peak }
}
