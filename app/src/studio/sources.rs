//! The sources of sound, and the model that each is heard through.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use residue_engine::audio::resample;
use residue_engine::codec::Codec;
use residue_engine::live::{self, CodecModel, LiveModel, TokenFeed, TokenModel};
use residue_engine::tokens::Codes;

use super::TokenSource;
use super::error::StudioError;
use super::observed::OpenSource;
use super::open::name;
use super::shared::StudioShared;
use super::sound::PlayerSource;
use super::state::{LoadedFile, Severity, TokenFile};
use crate::device::StreamShape;

/// Frames of a token stream that may wait; a writer that is faster is held up.
const MOST_WAITING: usize = 4096;
/// Pause between two looks at a token stream that is full.
const FULL: Duration = Duration::from_millis(50);

/// A source that is to be played.
pub enum SourceRequest {
    Microphone,
    File(Arc<LoadedFile>),
    Codes(PathBuf, Codes),
    Feed(TokenSource),
}

impl SourceRequest {
    /// Whether it can only be played by the model that decodes it.
    pub fn needs_model(&self) -> bool {
        matches!(self, Self::Codes(..) | Self::Feed(_))
    }
}

/// The source that plays.
pub enum PlayingSource {
    Microphone,
    File(Arc<LoadedFile>),
    Codes(PathBuf, Codes),
    Feed(TokenStream),
}

impl PlayingSource {
    /// Whether an input device is needed.
    pub fn needs_input(&self) -> bool {
        matches!(self, Self::Microphone)
    }

    /// Whether there are positions to go to, and an end.
    pub fn is_seekable(&self) -> bool {
        matches!(self, Self::File(_) | Self::Codes(..))
    }

    /// Whether it is audio that is encoded and decoded, not codes.
    pub fn is_audio(&self) -> bool {
        matches!(self, Self::Microphone | Self::File(_))
    }

    /// Channels of the port.
    pub fn channels(&self, shape: &StreamShape, codec: &Codec) -> usize {
        match self {
            Self::Microphone => shape.channels,
            Self::File(file) => file.channels(),
            Self::Codes(..) | Self::Feed(_) => codec.config().channels,
        }
    }

    /// The port's model, and the sound that goes through it.
    ///
    /// # Errors
    /// If a file cannot be converted to the devices' rate, or codes are not the model's.
    pub fn model(
        &self,
        codec: &Codec,
        shape: &StreamShape,
    ) -> Result<(Box<dyn LiveModel>, PlayerSource), StudioError> {
        Ok(match self {
            Self::Microphone => (Box::new(CodecModel(codec.clone())), PlayerSource::Microphone),
            Self::File(file) => {
                let audio = if file.audio.rate == shape.rate {
                    Arc::clone(&file.audio)
                } else {
                    Arc::new(resample(&file.audio, shape.rate)?)
                };
                (Box::new(CodecModel(codec.clone())), PlayerSource::Audio(audio))
            }
            Self::Codes(path, codes) => {
                let (playback, model) = live::playback(codec.clone(), codes.clone())
                    .map_err(|source| StudioError::CodeFile { path: path.clone(), source })?;
                let config = codec.config();
                let ticks = config.frame_samples as u64 * u64::from(shape.rate);
                let frames = u64::from(config.sample_rate);
                (Box::new(model), PlayerSource::Codes { playback, ticks, frames })
            }
            Self::Feed(stream) => {
                (Box::new(stream.model.with_codec(codec.clone())?), PlayerSource::Feed)
            }
        })
    }

    /// Checks that a model can decode what plays, if that is codes.
    ///
    /// # Errors
    /// If the codes are not the model's.
    pub fn check(&self, codec: &Codec) -> Result<(), StudioError> {
        let quantizer = &codec.config().quantizer;
        match self {
            Self::Codes(_, codes) => codes.check(quantizer.layers, quantizer.codebook_size)?,
            Self::Feed(stream) => stream.model.with_codec(codec.clone()).map(drop)?,
            Self::Microphone | Self::File(_) => {}
        }
        Ok(())
    }

    /// The source as it is shown.
    pub fn shown(&self, codec: Option<&Codec>) -> OpenSource {
        match (self, codec) {
            (Self::File(file), _) => OpenSource::File(Arc::clone(file)),
            (Self::Codes(path, codes), Some(codec)) => {
                OpenSource::Tokens(token_file(path, codes, codec))
            }
            (Self::Feed(stream), _) => OpenSource::Feed(Arc::clone(&stream.feed)),
            // Codes are not installed without a model.
            (Self::Microphone | Self::Codes(..), _) => OpenSource::Microphone,
        }
    }
}

/// Codes that arrive, on a thread of their own. Dropping it ends the thread with the next frame.
pub struct TokenStream {
    model: TokenModel,
    feed: Arc<TokenFeed>,
    /// The frames are no longer played.
    is_over: Arc<AtomicBool>,
}

impl TokenStream {
    /// Starts to take frames. `ahead` frames are waited for at the start and after a gap.
    pub fn start(
        shared: &Arc<StudioShared>,
        codec: Codec,
        ahead: usize,
        mut frames: TokenSource,
    ) -> Self {
        let (feed, model) = live::tokens(codec, ahead);
        let (feed, is_over) = (Arc::new(feed), Arc::new(AtomicBool::new(false)));
        let stream = Self { model, feed: Arc::clone(&feed), is_over: Arc::clone(&is_over) };
        shared.spawn("tokens", move |shared| {
            let problem = loop {
                while feed.waiting() >= MOST_WAITING && !is_over.load(Ordering::Relaxed) {
                    thread::sleep(FULL);
                }
                if is_over.load(Ordering::Relaxed) {
                    break None;
                }
                match frames() {
                    None => break None,
                    Some(Err(problem)) => break Some(problem.to_string()),
                    Some(Ok(frame)) => {
                        if let Err(error) = feed.push(frame) {
                            break Some(error.to_string());
                        }
                    }
                }
            };
            feed.finish();
            match problem {
                Some(problem) if !is_over.load(Ordering::Relaxed) => {
                    shared.notice(Severity::Error, format!("the token stream ended: {problem}"));
                }
                _ => shared.wake(),
            }
        });
        stream
    }
}

impl Drop for TokenStream {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn token_file(path: &Path, codes: &Codes, codec: &Codec) -> TokenFile {
    let (layers, frames) = (codes.layers(), codes.frames());
    let seconds = frames as f64 / codec.config().frame_rate();
    TokenFile { name: name(path), path: path.to_owned(), layers, frames, seconds }
}
