//! Weights on disk or in memory: safetensors files, single or sharded, read in place.
//!
//! Files are memory-mapped; a tensor is converted to f32 when it is asked for, so what is allocated
//! is bounded by what the files really hold. Format: <https://github.com/huggingface/safetensors>.

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
use residue_core::small_file;
use residue_kernels::{Arena, Linear, Precision};

/// Bytes at each end of a file's data that tell it from others.
const SAMPLE: usize = 64 << 10;

/// Where the bytes of one file live.
enum Bytes<'a> {
    Mapped(memmap2::Mmap),
    Borrowed(&'a [u8]),
}

impl Bytes<'_> {
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
    bytes: Bytes<'a>,
    data_start: usize,
    /// When the file was last changed, in nanoseconds since 1970; 0 if that cannot be told.
    changed: u128,
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
        let changed = file.metadata().and_then(|data| data.modified()).ok();
        let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let shard = Self::parse(path.display().to_string(), Bytes::Mapped(map))?;
        Ok(Self { changed: changed.map_or(0, |time| time.as_nanos()), ..shard })
    }

    fn parse(name: String, bytes: Bytes<'a>) -> Result<Self, CheckpointError> {
        let fail = |problem| CheckpointError::Header { file: name.clone(), problem };
        let data = bytes.as_slice();
        let mut rest = data;
        let header = read_safetensors_header(&mut rest, data.len() as u64).map_err(fail)?;
        let data_start = data.len() - header.data_len();
        let tensors = header.tensors().into_iter().map(|(name, info)| (name, info.clone()));
        let tensors = tensors.collect();
        Ok(Self { name, bytes, data_start, changed: 0, tensors })
    }

    fn data(&self, info: &TensorInfo) -> &[u8] {
        let (start, end) = info.data_offsets;
        &self.bytes.as_slice()[self.data_start + start..self.data_start + end]
    }

    /// A tensor's pages are not needed again soon.
    fn forget(&self, info: &TensorInfo) {
        if let Bytes::Mapped(map) = &self.bytes {
            let (start, end) = info.data_offsets;
            mapped_file::forget(map, self.data_start + start, end - start);
        }
    }
}

/// All weights of one model.
pub struct Checkpoint<'a> {
    place: String,
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
        Ok(Self { place: folder.display().to_string(), shards })
    }
}

impl<'a> Checkpoint<'a> {
    /// Reads one safetensors file that is already in memory; `name` is used in messages.
    ///
    /// # Errors
    /// If the bytes are cut short or not safetensors.
    pub fn from_bytes(name: &str, bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        let shard = Shard::parse(name.to_owned(), Bytes::Borrowed(bytes))?;
        Ok(Self { place: name.to_owned(), shards: vec![shard] })
    }

    /// A name for exactly these weights under this configuration, in hexadecimal: of the
    /// configuration, and each file's path, length, time of
    /// change, header, and first and last 64 KiB of data.
    pub(super) fn identity(&self, config: &CodecConfig) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(format!("{config:?}").as_bytes());
        for shard in &self.shards {
            let bytes = shard.bytes.as_slice();
            let (header, data) = bytes.split_at(shard.data_start);
            let end = data.len().min(SAMPLE);
            add(shard.name.as_bytes());
            add(&(bytes.len() as u64).to_le_bytes());
            add(&shard.changed.to_le_bytes());
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

/// The files that an index names, each once.
fn shard_paths(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let text = small_file::read(index)
        .map_err(|source| CheckpointError::Read { path: index.to_owned(), source })?;
    let index = ShardIndex::parse(&text)
        .map_err(|problem| CheckpointError::Index { path: index.to_owned(), problem })?;
    Ok(index.shards().into_iter().map(|name| folder.join(name)).collect())
}

/// Where a model takes its tensors from.
pub(super) trait TensorSource: Sync {
    /// The values of the first of these spellings that exists, row-major, in f32.
    ///
    /// `shape` is what the configuration says; ones at its end may be absent or added in the file,
    /// since 1x1 convolutions are stored as (out, in, 1).
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError>;

    /// The packed form of a linear layer (output, input), kept in one of these precisions, if that is
    /// what this source holds.
    fn packed(
        &self,
        _names: &[String],
        _shape: (usize, usize),
        _forms: &[Precision],
        _arena: &Arena,
    ) -> Result<Option<Linear>, CheckpointError> {
        Ok(None)
    }

    /// True if a tensor of this name exists.
    fn has(&self, name: &str) -> bool;
}

impl TensorSource for Checkpoint<'_> {
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let Some((name, (shard, info))) =
            names.iter().find_map(|name| Some((name, self.find(name)?)))
        else {
            return Err(CheckpointError::Missing {
                file: self.place.clone(),
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
        shard.forget(info);
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

/// A shape without its dimensions of one.
fn squeezed(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&d| d != 1).collect()
}

fn convert<const N: usize>(data: &[u8], one: impl Fn([u8; N]) -> f32 + Sync) -> Vec<f32> {
    let (items, _) = data.as_chunks::<N>();
    items.par_iter().with_min_len(1 << 14).map(|bytes| one(*bytes)).collect()
}
