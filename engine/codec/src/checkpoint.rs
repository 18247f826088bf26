//! Weights of a model: safetensors files, single or sharded, on disk or in memory.
//!
//! Files are memory-mapped, and a tensor is converted to f32 when it is requested, so that allocations are
//! bounded by the real size of the files. Format: <https://github.com/huggingface/safetensors>.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorInfo};
use sha2::{Digest, Sha256};

use super::config::CodecConfig;
use super::error::CheckpointError;
use super::mapped_file;
use super::safetensors_header::read_safetensors_header;
use super::shard_index::ShardIndex;
use super::tensor_source::TensorSource;
use residue_core::small_file;

/// Bytes at each end of a file's data that [`Checkpoint::identity`] hashes.
const SAMPLED_BYTES: usize = 64 << 10;

/// Bytes of one file, mapped or borrowed.
enum ShardBytes<'a> {
    Mapped(memmap2::Mmap),
    Borrowed(&'a [u8]),
}

impl ShardBytes<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Borrowed(bytes) => bytes,
        }
    }
}

/// One safetensors file: its name for messages, its bytes, its header.
struct Shard<'a> {
    name: String,
    bytes: ShardBytes<'a>,
    /// Offset of the tensors' data, in bytes.
    data_start: usize,
    /// Time of the last modification, in nanoseconds since 1970; 0 if unknown.
    modified: u128,
    tensors: BTreeMap<String, TensorInfo>,
}

impl<'a> Shard<'a> {
    fn open(path: &Path) -> Result<Self, CheckpointError> {
        let fail = |source| CheckpointError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(fail)?;
        // SAFETY: the map is only read. A file that another process truncates while it is mapped
        // can still end the process, as with every memory-mapped loader; downloads are renamed into
        // place whole, so no file of ours changes once it has its name.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(fail)?;
        let modified = file.metadata().and_then(|data| data.modified()).ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let shard = Self::parse(path.display().to_string(), ShardBytes::Mapped(map))?;
        Ok(Self { modified: modified.map_or(0, |time| time.as_nanos()), ..shard })
    }

    fn parse(name: String, bytes: ShardBytes<'a>) -> Result<Self, CheckpointError> {
        let fail = |problem| CheckpointError::Header { file: name.clone(), problem };
        let data = bytes.as_slice();
        let mut rest = data;
        let header = read_safetensors_header(&mut rest, data.len() as u64).map_err(fail)?;
        let data_start = data.len() - header.data_len();
        let tensors = header.tensors().into_iter().map(|(name, info)| (name, info.clone()));
        let tensors = tensors.collect();
        Ok(Self { name, bytes, data_start, modified: 0, tensors })
    }

    fn data(&self, info: &TensorInfo) -> &[u8] {
        let (start, end) = info.data_offsets;
        &self.bytes.as_slice()[self.data_start + start..self.data_start + end]
    }

    /// Releases a tensor's pages, which are not needed again soon.
    fn release_pages(&self, info: &TensorInfo) {
        if let ShardBytes::Mapped(map) = &self.bytes {
            let (start, end) = info.data_offsets;
            mapped_file::release_pages(map, self.data_start + start, end - start);
        }
    }
}

/// All weights of one model.
pub struct Checkpoint<'a> {
    /// Folder or name, for messages.
    location: String,
    shards: Vec<Shard<'a>>,
}

impl Checkpoint<'static> {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` names, in
    /// `folder`.
    ///
    /// # Errors
    /// If a file is missing, unreadable, cut short or not safetensors.
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        let single = folder.join("model.safetensors");
        let index = folder.join("model.safetensors.index.json");
        let files = if single.is_file() {
            vec![single]
        } else if index.is_file() {
            shard_paths(folder, &index)?
        } else {
            return Err(CheckpointError::NoWeights { folder: folder.to_owned() });
        };
        let shards = files.iter().map(|path| Shard::open(path)).collect::<Result<_, _>>()?;
        Ok(Self { location: folder.display().to_string(), shards })
    }
}

impl<'a> Checkpoint<'a> {
    /// Reads one safetensors file from memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// If the bytes are cut short or not safetensors.
    pub fn from_bytes(name: &str, bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        let shard = Shard::parse(name.to_owned(), ShardBytes::Borrowed(bytes))?;
        Ok(Self { location: name.to_owned(), shards: vec![shard] })
    }

    /// Returns a fingerprint of these weights under this configuration: the SHA-256, in hexadecimal, of the
    /// configuration and of each file's path, size, modification time, header, and first and last 64 KiB
    /// of data. Packed files are named by it.
    pub(super) fn identity(&self, config: &CodecConfig) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(layout_text(config).as_bytes());
        for shard in &self.shards {
            let bytes = shard.bytes.as_slice();
            let (header, data) = bytes.split_at(shard.data_start);
            let end = data.len().min(SAMPLED_BYTES);
            add(shard.name.as_bytes());
            add(&(bytes.len() as u64).to_le_bytes());
            add(&shard.modified.to_le_bytes());
            add(header);
            add(&data[..end]);
            add(&data[data.len() - end..]);
        }
        residue_core::hex(&hash.finalize())
    }

    fn find(&self, name: &str) -> Option<(&Shard<'a>, &TensorInfo)> {
        self.shards.iter().find_map(|shard| Some((shard, shard.tensors.get(name)?)))
    }
}

/// Returns the configuration as text, the way packed files of earlier versions were named by it: another
/// text would leave those files behind, each as large as a model, instead of replacing them.
fn layout_text(config: &CodecConfig) -> String {
    let text = format!("{config:?}");
    text.replace("CodecConfig {", "Config {").replace("PositionConfig {", "Positions {")
}

/// Returns the paths of the files that an index names, each once.
fn shard_paths(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let text = small_file::read(index)
        .map_err(|source| CheckpointError::Read { path: index.to_owned(), source })?;
    let index = ShardIndex::parse(&text)
        .map_err(|problem| CheckpointError::Index { path: index.to_owned(), problem })?;
    Ok(index.shards().into_iter().map(|name| folder.join(name)).collect())
}

impl TensorSource for Checkpoint<'_> {
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let Some((name, (shard, info))) =
            names.iter().find_map(|name| Some((name, self.find(name)?)))
        else {
            return Err(CheckpointError::Missing {
                file: self.location.clone(),
                names: names.to_vec(),
                expected: shape.to_vec(),
            });
        };
        if squeezed(&info.shape) != squeezed(shape) {
            return Err(CheckpointError::Shape {
                file: shard.name.clone(),
                name: name.clone(),
                expected: shape.to_vec(),
                found: info.shape.clone(),
            });
        }
        let data = shard.data(info);
        let values = match info.dtype {
            Dtype::F32 => convert(data, |b: [u8; 4]| f32::from_le_bytes(b)),
            Dtype::BF16 => convert(data, |b: [u8; 2]| bf16::from_le_bytes(b).to_f32()),
            Dtype::F16 => convert(data, |b: [u8; 2]| f16::from_le_bytes(b).to_f32()),
            other => {
                return Err(CheckpointError::Dtype {
                    file: shard.name.clone(),
                    name: name.clone(),
                    found: format!("{other:?}"),
                });
            }
        };
        shard.release_pages(info);
        match values.par_iter().position_first(|x| !x.is_finite()) {
            None => Ok(values),
            Some(index) => Err(CheckpointError::NonFinite {
                file: shard.name.clone(),
                name: name.clone(),
                index,
                value: values[index],
            }),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

/// Returns a shape without its dimensions of 1.
fn squeezed(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&d| d != 1).collect()
}

fn convert<const N: usize>(data: &[u8], one: impl Fn([u8; N]) -> f32 + Sync) -> Vec<f32> {
    let (items, _) = data.as_chunks::<N>();
    items.par_iter().with_min_len(1 << 14).map(|bytes| one(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packed files are named by a hash of the text, which must not change with the names of types.
    #[test]
    fn the_text_of_a_layout_does_not_change() {
        let text = layout_text(&CodecConfig::v1());
        assert!(
            text.starts_with(
                "Config { sample_rate: 24000, channels: 1, interleave: false, frame_samples: 1920, \
                 square_projections: false, encoder: [Patch { size: 240 }, \
                 Transformer(TransformerConfig { input: 240, output: 384, width: 768, heads: 12, \
                 layers: 12, feed_forward: Plain { hidden: 3072 }, norm: Layer, layer_scale: true, \
                 positions: Positions { rope: true, sin: false }, max_period: 10000.0, \
                 positional_scale: 1.0, context: 1000 })"
            ),
            "{text}"
        );
        assert!(text.contains(
            "quantizer: QuantizerConfig { input: 768, rvq: 512, output: 768, layers: 32, \
             codebook_size: 1024, codebook_dim: 8 }"
        ));
    }
}
