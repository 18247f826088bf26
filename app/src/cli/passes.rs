//! Files through the model, with progress bars.

use std::path::Path;

use anyhow::{Context, Result};
use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::codec::Codec;
use residue_engine::offline::{self, EncodedFile, OfflineError};
use residue_engine::tokens::Codes;

use super::args::ChunkArgs;
use super::progress::Share;

/// A model that files go through, with the names that errors call it and the file by.
pub struct Passes<'a> {
    pub codec: &'a Codec,
    pub model: &'a str,
    pub file: &'a Path,
    pub chunk: &'a ChunkArgs,
}

impl Passes<'_> {
    /// Encodes `audio` to the first `depth` layers.
    pub fn encode(
        &self,
        audio: &Audio,
        depth: usize,
        treatment: MonoTreatment,
    ) -> Result<EncodedFile> {
        let (bar, chunk) = (Share::new("encoding"), self.chunk.chunk);
        let encoded =
            offline::encode(self.codec, audio, depth, treatment, chunk, &mut |s| bar.set(s));
        self.named(encoded)
    }

    /// Decodes an encoded file, once for each depth.
    pub fn decode(&self, encoded: &EncodedFile, depths: &[usize]) -> Result<Vec<Audio>> {
        let (bar, chunk) = (Share::new("decoding"), self.chunk.chunk);
        self.named(offline::decode(self.codec, encoded, depths, chunk, &mut |s| bar.set(s)))
    }

    /// Decodes codes at one depth, to whole frames at the model's rate and channels.
    pub fn decode_codes(&self, codes: &Codes, depth: usize) -> Result<Audio> {
        let (bar, chunk) = (Share::new("decoding"), self.chunk.chunk);
        let lanes = [(codes, depth)];
        let decoded = offline::decode_lanes(self.codec, &lanes, chunk, &mut |s| bar.set(s));
        let config = self.codec.config();
        let silence = || Audio::silence(config.sample_rate, config.channels, 0);
        Ok(self.named(decoded)?.into_iter().next().unwrap_or_else(silence))
    }

    /// Names what an error is about: the model or the file.
    pub fn named<T>(&self, result: Result<T, OfflineError>) -> Result<T> {
        match result {
            Err(error) if error.is_of_the_model() => {
                Err(error).with_context(|| format!("model {}", self.model))
            }
            Err(error @ OfflineError::TooLoud { .. }) => {
                Err(error).with_context(|| self.file.display().to_string())
            }
            result => Ok(result?),
        }
    }
}
