//! Codes that somebody else makes, such as a speech language model, heard as they arrive; or codes
//! that are all there, such as those of a file, heard from any frame on.
//!
//! The port's clock drives it: for every frame of its input, of which the model hears nothing, the
//! next frame of codes is decoded. Where there is none there is silence, and the decoder waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::codec_model::{format, heard};
use super::frame_transmission::FrameTransmission;
use super::playback::{Playback, PlaybackCursor};
use residue_codec::{Codec, Decoder, LayerSelection};
use residue_core::codes::{Codes, CodesError};
use residue_live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat, NO_CODE,
};

#[derive(Default)]
struct Progress {
    heard: AtomicU64,
    gaps: AtomicU64,
    finished: AtomicBool,
}

/// Makes a model that decodes codes with `codec`, and the feed that its codes come from. After a
/// gap it waits until `ahead` frames are there, so that frames that come unevenly do not make it
/// stutter; 0 plays each as soon as it can.
pub fn tokens(codec: Codec, ahead: usize) -> (TokenFeed, TokenModel) {
    let (sender, frames) = unbounded();
    let progress = Arc::new(Progress::default());
    let quantizer = &codec.config().quantizer;
    let feed = TokenFeed {
        sender,
        layers: quantizer.layers,
        codebook_size: quantizer.codebook_size,
        progress: Arc::clone(&progress),
    };
    (
        feed,
        TokenModel {
            codec,
            origin: Origin::Feed(Queue { frames, ahead, progress, playing: false }),
        },
    )
}

/// Makes a model that decodes `codes` with `codec`, and what says from where they are played.
///
/// # Errors
/// If the codes are not of this model.
pub fn playback(codec: Codec, codes: Codes) -> Result<(Playback, TokenModel), CodesError> {
    let quantizer = &codec.config().quantizer;
    codes.check(quantizer.layers, quantizer.codebook_size)?;
    let playback = Playback::new(codes);
    let origin = Origin::Playback(playback.clone());
    Ok((playback, TokenModel { codec, origin }))
}

/// Where codes go in.
pub struct TokenFeed {
    sender: Sender<Vec<u32>>,
    layers: usize,
    codebook_size: usize,
    progress: Arc<Progress>,
}

impl TokenFeed {
    /// Adds a frame: one code for each of its first layers. Never waits; whoever makes codes faster than
    /// they are heard should look at [`TokenFeed::waiting`].
    ///
    /// # Errors
    /// If the codes are not of this model.
    pub fn push(&self, frame: Vec<u32>) -> Result<(), CodesError> {
        let codes = Codes::new(frame.len(), 1, frame);
        codes.check(self.layers, self.codebook_size)?;
        // Where the model is gone there is nothing to do with the frame.
        let _ = self.sender.send(codes.data().to_vec());
        Ok(())
    }

    /// Says that no more frames will come: what is there is played without waiting for more.
    pub fn finish(&self) {
        self.progress.finished.store(true, Ordering::Release);
    }

    /// Whether [`TokenFeed::finish`] was called.
    pub fn is_finished(&self) -> bool {
        self.progress.finished.load(Ordering::Acquire)
    }

    /// Frames that wait to be heard.
    pub fn waiting(&self) -> usize {
        self.sender.len()
    }

    /// Frames that have been decoded.
    pub fn heard(&self) -> u64 {
        self.progress.heard.load(Ordering::Acquire)
    }

    /// Times that frames ran out before [`TokenFeed::finish`].
    pub fn gaps(&self) -> u64 {
        self.progress.gaps.load(Ordering::Relaxed)
    }
}

/// A model that hears no input. For one port at a time: two would share a feed's frames between them.
pub struct TokenModel {
    codec: Codec,
    origin: Origin,
}

/// Where frames come from.
#[derive(Clone)]
enum Origin {
    Feed(Queue),
    Playback(Playback),
}

impl TokenModel {
    /// The same codes, decoded by another codec, such as the same one in another precision. What has
    /// arrived and not been heard goes to whichever runs.
    ///
    /// # Errors
    /// If the codes are not, or could not be, of that model.
    pub fn with_codec(&self, codec: Codec) -> Result<Self, CodesError> {
        let quantizer = &codec.config().quantizer;
        let (layers, codebook_size) = (quantizer.layers, quantizer.codebook_size);
        match &self.origin {
            Origin::Playback(playback) => playback.codes().check(layers, codebook_size)?,
            Origin::Feed(_) => {
                // The greatest frame that the feed lets through.
                let fed = &self.codec.config().quantizer;
                let greatest = vec![fed.codebook_size as u32 - 1; fed.layers];
                Codes::new(fed.layers, 1, greatest).check(layers, codebook_size)?;
            }
        }
        Ok(Self { codec, origin: self.origin.clone() })
    }
}

impl LiveModel for TokenModel {
    fn format(&self) -> ModelFormat {
        format(&self.codec)
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, String> {
        let format = LiveModel::format(self);
        Ok(Box::new(TokenProcessor {
            line: FrameTransmission::new(&self.codec, 1).map_err(|error| error.to_string())?,
            decoder: self.codec.decoder(DECODED_LANES),
            frames: match &self.origin {
                Origin::Feed(queue) => Box::new(queue.clone()),
                Origin::Playback(playback) => Box::new(PlaybackCursor::new(playback.clone())),
            },
            format,
            streams,
            decoded: vec![0.0; DECODED_LANES * format.channels * format.frame],
        }))
    }
}

/// Frames of codes for one processor.
pub(super) trait FrameSource: Send {
    /// The frame for frame `number` of the stream, if there is one.
    fn next(&mut self, number: u64) -> Option<Vec<u32>>;

    /// A frame that `next` gave has been decoded.
    fn heard(&mut self) {}

    /// The next frame is the first of a stream.
    fn reset(&mut self);
}

/// The model's end of a [`TokenFeed`].
#[derive(Clone)]
struct Queue {
    frames: Receiver<Vec<u32>>,
    ahead: usize,
    progress: Arc<Progress>,
    playing: bool,
}

impl FrameSource for Queue {
    fn next(&mut self, _number: u64) -> Option<Vec<u32>> {
        let finished = self.progress.finished.load(Ordering::Acquire);
        if !self.playing && !finished && self.frames.len() < self.ahead.max(1) {
            return None;
        }
        let next = self.frames.try_recv().ok();
        if next.is_none() && self.playing && !finished {
            self.progress.gaps.fetch_add(1, Ordering::Relaxed);
        }
        self.playing = next.is_some();
        next
    }

    fn heard(&mut self) {
        self.progress.heard.fetch_add(1, Ordering::Release);
    }

    /// A new stream of audio does not start the codes again: what has arrived goes on.
    fn reset(&mut self) {
        self.playing = false;
    }
}

struct TokenProcessor {
    line: FrameTransmission,
    decoder: Decoder,
    frames: Box<dyn FrameSource>,
    format: ModelFormat,
    streams: usize,
    /// One frame, by lane and channel.
    decoded: Vec<f32>,
}

impl FrameProcessor for TokenProcessor {
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String> {
        let ModelFormat { channels, frame, layers, .. } = self.format;
        let samples = frames.count * frame;
        out.audio.clear();
        out.audio.resize(DECODED_LANES * self.streams * channels * samples, 0.0);
        out.codes.clear();
        out.codes.resize(self.streams * layers * frames.count, NO_CODE);
        for t in 0..frames.count {
            let number = frames.first + t as u64;
            // A rehearsal takes no frame away.
            let next = if frames.rehearsal {
                Some(self.line.silent().to_vec())
            } else {
                self.frames.next(number)
            };
            let Some(mut codes) = next else { continue };
            let depth = codes.len();
            codes.resize(layers, 0);
            self.line.transmit(number, &mut codes, 0, 1, frames.settings);
            let lanes: [(&[u32], LayerSelection); DECODED_LANES] =
                heard(frames.settings, depth).map(|layers| (&codes[..], layers));
            self.decoder
                .decode_into(&lanes, 1, &mut self.decoded)
                .map_err(|error| error.to_string())?;
            let planes = out.audio.chunks_exact_mut(samples).enumerate();
            for (plane, audio) in planes {
                // All streams of a lane hear the same.
                let lane = plane / (self.streams * channels);
                let from = (lane * channels + plane % channels) * frame;
                audio[t * frame..][..frame].copy_from_slice(&self.decoded[from..][..frame]);
            }
            for stream in out.codes.chunks_exact_mut(layers * frames.count) {
                let shown = stream.iter_mut().skip(t).step_by(frames.count);
                shown.zip(&codes[..depth]).for_each(|(shown, code)| *shown = *code);
            }
            if !frames.rehearsal {
                self.frames.heard();
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.line.reset();
        self.decoder.reset();
        self.frames.reset();
    }
}
