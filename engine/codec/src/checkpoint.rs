//! Weights of a model: safetensors files, single or sharded, on disk or in memory.
//!
//! A tensor is read and converted to f32 when it is requested, so that allocations are bounded by the real
//! size of the files. Format: <https://github.com/huggingface/safetensors>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorInfo};
use sha2::{Digest, Sha256};

use super::byte_source::{BLOCK, ByteSource};
use super::config::CodecConfig;
use super::error::CheckpointError;
use super::limits::{MAX_HEADER_BYTES, MAX_INDEX_BYTES};
use super::safetensors_header::{SafetensorsHeaderError, read_safetensors_header};
use super::shard_index::ShardIndex;
use super::tensor_source::TensorSource;
use super::weight_files::{WeightFiles, weight_files};
use residue_core::small_file;

/// Bytes at each end of a file's data that [`Checkpoint::identity`] hashes.
const SAMPLED_BYTES: u64 = 64 << 10;

/// One safetensors file: its bytes and its header.
struct Shard<'a> {
    source: ByteSource<'a>,
    /// Offset of the tensors' data, in bytes.
    data_start: u64,
    tensors: BTreeMap<String, TensorInfo>,
}

impl<'a> Shard<'a> {
    /// Reads the header, of at most `limit` bytes.
    fn parse(source: ByteSource<'a>, limit: u64) -> Result<Self, CheckpointError> {
        let file = source.name();
        let header = read_safetensors_header(&mut source.reader(), source.bytes(), limit);
        let header = header.map_err(|problem| match problem {
            SafetensorsHeaderError::Foreign(content) => CheckpointError::Foreign { file, content },
            problem => CheckpointError::Header { file, problem },
        })?;
        let data_start = source.bytes() - header.data_len() as u64;
        let tensors = header.tensors().into_iter().map(|(name, info)| (name, info.clone()));
        let tensors = tensors.collect();
        Ok(Self { source, data_start, tensors })
    }

    /// Reads and converts a tensor whose numbers have `N` bytes each.
    fn values<const N: usize>(
        &self,
        name: &str,
        info: &TensorInfo,
        convert: impl Fn([u8; N]) -> f32 + Sync,
    ) -> Result<Vec<f32>, CheckpointError> {
        let (start, end) = info.data_offsets;
        let count = (end - start) / N;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|_| CheckpointError::Memory {
            file: self.source.name(),
            name: name.to_owned(),
            bytes: count as u64 * 4,
        })?;
        values.resize(count, 0f32);
        let start = self.data_start + start as u64;
        let blocks = values.par_chunks_mut(BLOCK / N).enumerate();
        blocks.try_for_each_init(
            || vec![0; BLOCK],
            |bytes, (i, to)| {
                let bytes = &mut bytes[..to.len() * N];
                self.source.read_exact_at(bytes, start + (i * BLOCK) as u64)?;
                let (items, _) = bytes.as_chunks::<N>();
                to.iter_mut().zip(items).for_each(|(to, item)| *to = convert(*item));
                Ok(())
            },
        )?;
        Ok(values)
    }

    /// Adds the bytes from `start` to `end` to a hash.
    fn hash(&self, hash: &mut Sha256, start: u64, end: u64) -> Result<(), CheckpointError> {
        let mut block = vec![0; BLOCK];
        let mut at = start;
        hash.update((end - start).to_le_bytes());
        while at < end {
            let bytes = &mut block[..(end - at).min(BLOCK as u64) as usize];
            self.source.read_exact_at(bytes, at)?;
            hash.update(&*bytes);
            at += bytes.len() as u64;
        }
        Ok(())
    }
}

/// All weights of one model.
pub struct Checkpoint<'a> {
    /// Folder or name, for messages.
    location: String,
    shards: Vec<Shard<'a>>,
}

impl Checkpoint<'static> {
    /// Opens the weights in `folder`, which are found as by [`weight_files`], and reads their headers.
    ///
    /// # Errors
    /// If a file is missing, unreadable, cut short or not safetensors, or the headers exceed their limits.
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        let none = || CheckpointError::NoWeights { folder: folder.to_owned() };
        let files = match weight_files(folder).map_err(|_| none())?.ok_or_else(none)? {
            WeightFiles::Named(names) => names.iter().map(|name| folder.join(name)).collect(),
            WeightFiles::Indexed => {
                shard_paths(folder, &folder.join("model.safetensors.index.json"))?
            }
        };
        // One limit for the headers of all shards: many small shards must not take more than a large one.
        let mut left = MAX_HEADER_BYTES;
        let mut shards = Vec::new();
        for path in &files {
            let shard = Shard::parse(ByteSource::open(path)?, left)?;
            left = left.saturating_sub(shard.data_start);
            shards.push(shard);
        }
        Ok(Self { location: folder.display().to_string(), shards })
    }
}

impl<'a> Checkpoint<'a> {
    /// Reads one safetensors file from memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// If the bytes are cut short or not safetensors.
    pub fn from_bytes(name: &str, bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        let source = ByteSource::Memory { name: name.to_owned(), bytes };
        let shard = Shard::parse(source, MAX_HEADER_BYTES)?;
        Ok(Self { location: name.to_owned(), shards: vec![shard] })
    }

    /// Returns a fingerprint of these weights under this configuration: the SHA-256, in hexadecimal, of the
    /// configuration and of each file's size, times, header, and first and last 64 KiB of data.
    /// It is a part of the key of packed files.
    ///
    /// # Errors
    /// If a file cannot be read or changes meanwhile.
    pub(super) fn identity(&self, config: &CodecConfig) -> Result<String, CheckpointError> {
        let mut hash = Sha256::new();
        let config = format!("{config:?}");
        hash.update((config.len() as u64).to_le_bytes());
        hash.update(config);
        for shard in &self.shards {
            let (start, end) = (shard.data_start, shard.source.bytes());
            let sampled = (end - start).min(SAMPLED_BYTES);
            hash.update(end.to_le_bytes());
            shard.source.state().iter().for_each(|time| hash.update(time.to_le_bytes()));
            for (from, to) in [(0, start), (start, start + sampled), (end - sampled, end)] {
                shard.hash(&mut hash, from, to)?;
            }
        }
        Ok(residue_core::hex(&hash.finalize()))
    }

    /// Returns the folder or name, for messages.
    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// Returns the names of all tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().flat_map(|shard| shard.tensors.keys().map(String::as_str))
    }

    fn find(&self, name: &str) -> Option<(&Shard<'a>, &TensorInfo)> {
        self.shards.iter().find_map(|shard| Some((shard, shard.tensors.get(name)?)))
    }
}

/// Returns the paths of the files that an index names, each once.
fn shard_paths(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let text = small_file::read_within(index, MAX_INDEX_BYTES)
        .map_err(|cause| CheckpointError::Read { path: index.to_owned(), cause })?;
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
                file: shard.source.name(),
                name: name.clone(),
                expected: shape.to_vec(),
                found: info.shape.clone(),
            });
        }
        let values = match info.dtype {
            Dtype::F32 => shard.values::<4>(name, info, f32::from_le_bytes)?,
            Dtype::BF16 => shard.values::<2>(name, info, |b| bf16::from_le_bytes(b).to_f32())?,
            Dtype::F16 => shard.values::<2>(name, info, |b| f16::from_le_bytes(b).to_f32())?,
            other => {
                return Err(CheckpointError::Dtype {
                    file: shard.source.name(),
                    name: name.clone(),
                    found: format!("{other:?}"),
                });
            }
        };
        match values.par_iter().position_first(|x| !x.is_finite()) {
            None => Ok(values),
            Some(index) => Err(CheckpointError::NonFinite {
                file: shard.source.name(),
                name: name.clone(),
                index,
                value: values[index],
            }),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn check_unchanged(&self) -> Result<(), CheckpointError> {
        self.shards.iter().try_for_each(|shard| shard.source.check_unchanged())
    }
}

/// Returns a shape without its dimensions of 1.
fn squeezed(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&d| d != 1).collect()
}
