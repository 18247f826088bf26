//! Files through the model, with progress bars.

use anyhow::Result;
use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::codec::Codec;
use residue_engine::offline::{self, EncodedFile};

use super::args::ChunkArgs;
use super::progress::Share;

/// Encodes `audio` to the first `depth` layers.
pub fn encode(
    codec: &Codec,
    audio: &Audio,
    depth: usize,
    treatment: MonoTreatment,
    chunk: &ChunkArgs,
) -> Result<EncodedFile> {
    let bar = Share::new("encoding");
    Ok(offline::encode(codec, audio, depth, treatment, chunk.chunk, &mut |s| bar.set(s))?)
}

/// Decodes what was encoded, once for each depth.
pub fn decode(
    codec: &Codec,
    encoded: &EncodedFile,
    depths: &[usize],
    chunk: &ChunkArgs,
) -> Result<Vec<Audio>> {
    let bar = Share::new("decoding");
    Ok(offline::decode(codec, encoded, depths, chunk.chunk, &mut |s| bar.set(s))?)
}
