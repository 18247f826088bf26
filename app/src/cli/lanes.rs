//! A file through any codecs at any rates: one pass over each model for all of its rates.

use std::path::Path;

use anyhow::Result;
use residue_engine::audio::Audio;
use residue_engine::codec::{Codec, Precision};
use residue_engine::codec_at_rate::CodecAtRate;
use residue_engine::measure::{self, CodebookUsage};
use residue_engine::models::ModelStore;
use residue_engine::offline::{self, EncodedFile};

use super::args::{ChunkArgs, MonoArg};
use super::named_error::named;
use super::progress::Share;
use super::{model, passes};

/// A file after a codec at a rate.
pub struct CodedLane {
    /// Layers kept, for a model.
    pub depth: Option<usize>,
    /// Nominal bitrate of all streams, in kbps.
    pub kbps: f64,
    /// Bitrate that the stream really carries, in kbps: for a model at most the entropy of the codes used, for a
    /// conventional codec its packets.
    pub carried_kbps: f64,
    /// The streams in words.
    pub streams: String,
    /// The decoded audio, as long as the original and aligned to it.
    pub audio: Audio,
}

/// The work that all codecs share.
pub struct LaneRequest<'a> {
    /// The file's name, for errors.
    pub input: &'a Path,
    /// Its audio.
    pub original: &'a Audio,
    /// How stereo goes through a mono model.
    pub mono: MonoArg,
    /// Chunks of models.
    pub chunk: &'a ChunkArgs,
    /// Threads of models, 0 for all cores.
    pub threads: usize,
}

/// Checks that every model is here and has the rate asked for, before any work.
pub fn check(codecs: &[CodecAtRate]) -> Result<()> {
    let store = ModelStore::from_env();
    for codec in codecs {
        if let CodecAtRate::Model { model, rate, .. } = codec {
            let config = store.locate(model)?.config()?;
            rate.layers(model, &config)?;
        }
    }
    Ok(())
}

impl LaneRequest<'_> {
    /// Sends the file through each of `codecs`, one model after the other: two of the large ones may not fit.
    pub fn code(&self, codecs: &[CodecAtRate]) -> Result<Vec<CodedLane>> {
        let mut lanes: Vec<Option<CodedLane>> = codecs.iter().map(|_| None).collect();
        while let Some(next) = lanes.iter().position(Option::is_none) {
            match &codecs[next] {
                CodecAtRate::Conventional(codec) => {
                    let bar = Share::new("coding");
                    let pass =
                        offline::pass_conventional(codec, self.original, &mut |s| bar.set(s));
                    let pass = named(pass.map_err(Into::into), &codec.to_string(), self.input)?;
                    lanes[next] = Some(CodedLane {
                        depth: None,
                        kbps: pass.bitrate / 1000.0,
                        carried_kbps: pass.used_bitrate / 1000.0,
                        streams: codec.to_string(),
                        audio: pass.audio,
                    });
                }
                CodecAtRate::Model { model, precision, .. } => {
                    let same: Vec<usize> = (next..codecs.len())
                        .filter(|n| matches!(&codecs[*n], CodecAtRate::Model { model: m, precision: p, .. } if (m, p) == (model, precision)))
                        .collect();
                    let coded = named(
                        self.code_model(model, *precision, codecs, &same),
                        model,
                        self.input,
                    )?;
                    for (n, lane) in same.into_iter().zip(coded) {
                        lanes[n] = Some(lane);
                    }
                }
            }
        }
        Ok(lanes.into_iter().flatten().collect())
    }

    /// Sends the file through a model, at the rates of some of `codecs`.
    fn code_model(
        &self,
        name: &str,
        precision: Precision,
        codecs: &[CodecAtRate],
        which: &[usize],
    ) -> Result<Vec<CodedLane>> {
        let codec = model::load_as(name, precision.into(), self.threads)?;
        let mut depths = Vec::new();
        for n in which {
            if let CodecAtRate::Model { rate, .. } = &codecs[*n] {
                depths.push(rate.layers(name, codec.config())?);
            }
        }
        self.code_depths(&codec, &depths)
    }

    /// Sends the file through a loaded model at several depths.
    pub fn code_depths(&self, codec: &Codec, depths: &[usize]) -> Result<Vec<CodedLane>> {
        let config = codec.config();
        let deepest = depths.iter().copied().max().unwrap_or(1);
        let encoded = passes::encode(codec, self.original, deepest, self.mono.into(), self.chunk)?;
        let decoded = passes::decode(codec, &encoded, depths, self.chunk)?;
        let lane = |(&depth, audio): (&usize, Audio)| {
            Ok(CodedLane {
                depth: Some(depth),
                kbps: config.bitrate(depth) * encoded.streams.len() as f64 / 1000.0,
                carried_kbps: carried(codec, &encoded, depth)? / 1000.0,
                streams: encoded.layout.to_string(),
                audio,
            })
        };
        depths.iter().zip(decoded).map(lane).collect()
    }
}

/// Returns the entropy of all streams' first `depth` layers, in bits a second.
fn carried(codec: &Codec, encoded: &EncodedFile, depth: usize) -> Result<f64> {
    let config = codec.config();
    let mut bits = 0.0;
    for codes in &encoded.streams {
        let used =
            measure::codebook_usage(&codes.truncated(depth), config.quantizer.codebook_size)?;
        bits += CodebookUsage::bits_per_frame(&used);
    }
    Ok(bits * config.frame_rate())
}
