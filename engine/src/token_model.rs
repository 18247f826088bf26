//! Models that decode codes instead of encoding their input: codes that arrive one by one
//! ([`TokenFeed`]), or codes that are all there ([`Playback`]).
//!
//! The port's clock drives them: for every frame of its input, which is ignored, the next frame of
//! codes is decoded. Where there is none there is silence, and the decoder pauses.

use residue_codec::{Codec, Decoder, LayerSelection};
use residue_core::codes::{Codes, CodesError};
use residue_live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat, NO_CODE,
    ProcessorError,
};

use crate::codec_model::{format, lane_layers};
use crate::frame_source::FrameSource;
use crate::frame_transmission::FrameTransmission;
use crate::playback::{Playback, PlaybackCursor};
use crate::token_feed::{FeedReceiver, TokenFeed};

/// Makes a model that decodes codes with `codec` as they arrive, and the feed that they arrive through.
///
/// At the start and after an underrun it waits until `prebuffer` frames are queued, so that an
/// uneven stream does not stutter; 0 plays each frame as soon as it can.
pub fn token_feed(codec: Codec, prebuffer: usize) -> (TokenFeed, TokenModel) {
    let (feed, receiver) = TokenFeed::new(&codec, prebuffer);
    (feed, TokenModel { codec, origin: Origin::Feed(receiver) })
}

/// Makes a model that decodes `codes` with `codec`, and the control of where it plays.
///
/// # Errors
/// If the codes are not of this model.
pub fn token_playback(codec: Codec, codes: Codes) -> Result<(Playback, TokenModel), CodesError> {
    let quantizer = &codec.config().quantizer;
    codes.check(quantizer.layers, quantizer.codebook_size)?;
    let playback = Playback::new(codes);
    let origin = Origin::Playback(playback.clone());
    Ok((playback, TokenModel { codec, origin }))
}

/// A model that ignores its input and decodes codes. For one port at a time: two would share a feed's
/// frames between them.
pub struct TokenModel {
    codec: Codec,
    origin: Origin,
}

/// Origin of the codes.
#[derive(Clone)]
enum Origin {
    Feed(FeedReceiver),
    Playback(Playback),
}

impl TokenModel {
    /// Returns a model that decodes the same codes with another codec, such as the same one in another
    /// precision. Frames in a feed's queue go to whichever runs.
    ///
    /// # Errors
    /// If the codes are not, or could not be, of that codec.
    pub fn with_codec(&self, codec: Codec) -> Result<Self, CodesError> {
        let quantizer = &codec.config().quantizer;
        let (layers, codebook_size) = (quantizer.layers, quantizer.codebook_size);
        match &self.origin {
            Origin::Playback(playback) => playback.codes().check(layers, codebook_size)?,
            Origin::Feed(_) => {
                // The largest frame that the feed accepts.
                let fed = &self.codec.config().quantizer;
                let largest = vec![fed.codebook_size as u32 - 1; fed.layers];
                Codes::new(fed.layers, 1, largest).check(layers, codebook_size)?;
            }
        }
        Ok(Self { codec, origin: self.origin.clone() })
    }
}

impl LiveModel for TokenModel {
    fn format(&self) -> ModelFormat {
        format(&self.codec)
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, ProcessorError> {
        let format = LiveModel::format(self);
        Ok(Box::new(TokenProcessor {
            transmission: FrameTransmission::new(&self.codec, 1).map_err(ProcessorError::new)?,
            decoder: self.codec.decoder(DECODED_LANES),
            source: match &self.origin {
                Origin::Feed(receiver) => Box::new(receiver.clone()),
                Origin::Playback(playback) => Box::new(PlaybackCursor::new(playback.clone())),
            },
            format,
            streams,
            decoded: vec![0.0; DECODED_LANES * format.channels * format.frame],
        }))
    }
}

struct TokenProcessor {
    transmission: FrameTransmission,
    decoder: Decoder,
    source: Box<dyn FrameSource>,
    format: ModelFormat,
    streams: usize,
    /// Samples of one frame, `[lanes][channels][frame]`.
    decoded: Vec<f32>,
}

impl FrameProcessor for TokenProcessor {
    fn process(
        &mut self,
        frames: &FrameBatch<'_>,
        out: &mut DecodedFrames,
    ) -> Result<(), ProcessorError> {
        let ModelFormat { channels, frame, layers, .. } = self.format;
        let samples = frames.count * frame;
        out.audio.clear();
        out.audio.resize(DECODED_LANES * self.streams * channels * samples, 0.0);
        out.codes.clear();
        out.codes.resize(self.streams * layers * frames.count, NO_CODE);
        for t in 0..frames.count {
            let number = frames.first_frame + t as u64;
            // Measuring compute time must not consume frames.
            let next = if frames.timing_only {
                Some(self.transmission.silent().to_vec())
            } else {
                self.source.next(number)
            };
            let Some(mut codes) = next else { continue };
            let depth = codes.len();
            codes.resize(layers, 0);
            self.transmission.transmit(number, &mut codes, 0, 1, frames.settings);
            let lanes: [(&[u32], LayerSelection); DECODED_LANES] =
                lane_layers(frames.settings, depth).map(|layers| (&codes[..], layers));
            self.decoder.decode_into(&lanes, 1, &mut self.decoded).map_err(ProcessorError::new)?;
            let planes = out.audio.chunks_exact_mut(samples).enumerate();
            for (plane, audio) in planes {
                // All streams of a lane carry the same signal.
                let lane = plane / (self.streams * channels);
                let from = (lane * channels + plane % channels) * frame;
                audio[t * frame..][..frame].copy_from_slice(&self.decoded[from..][..frame]);
            }
            for stream in out.codes.chunks_exact_mut(layers * frames.count) {
                let shown = stream.iter_mut().skip(t).step_by(frames.count);
                shown.zip(&codes[..depth]).for_each(|(shown, code)| *shown = *code);
            }
            if !frames.timing_only {
                self.source.decoded();
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.transmission.reset();
        self.decoder.reset();
        self.source.reset();
    }
}
