//! Packed weights on disk, so that a model's second start only has to read them. Nothing uses the file once the
//! model is loaded.
//!
//! One file holds one model in one precision:
//!
//! ```text
//! offset 0      bytes of each tensor, each at a multiple of 64 bytes
//! index offset  JSON index: key, and name, precision, offset, size and checksums of each tensor
//! end - 32      index offset, index size, checksum of the index (u64 each), MAGIC with the version
//! ```
//!
//! Numbers are little-endian; checksums are XXH3-64 with seed 0, which detects damage and not malice. The
//! key names model, precision and packing order. A file of another key or version, or with any other
//! content than what was written, is an error, and the model is packed again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::byte_source::ByteSource;
use super::error::{CheckpointError, PackedFileError};
use super::limits::MAX_PACKED_INDEX_BYTES;
use super::tensor_source::TensorSource;
use residue_kernels::{Arena, Linear, Precision};

/// First bytes of the file's last 8.
const MAGIC: [u8; 7] = *b"RESIDUE";
/// Version of the format, the file's last byte. 3: checksums are XXH3-64.
const VERSION: u8 = 3;
/// Bytes behind the index.
const TAIL: usize = 32;
/// Alignment of each tensor in the file, in bytes.
const ALIGNMENT: u64 = 64;
/// Bytes that one checksum covers and one thread reads at a time.
const CHUNK: usize = 4 << 20;

#[derive(Serialize, Deserialize)]
struct PackedIndex {
    key: String,
    tensors: BTreeMap<String, PackedTensor>,
}

#[derive(Clone, Serialize, Deserialize)]
struct PackedTensor {
    /// Precision of a linear layer's panels; none for other tensors, which are f32.
    packed: Option<String>,
    /// Offset in the file, in bytes.
    start: u64,
    bytes: u64,
    /// One for each [`CHUNK`].
    checksums: Vec<u64>,
}

/// Packed weights of a model.
pub(super) struct PackedFile {
    path: PathBuf,
    source: ByteSource<'static>,
    tensors: BTreeMap<String, PackedTensor>,
}

impl PackedFile {
    /// Checks the index of an open file.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or has another key or version.
    pub fn parse(
        path: &Path,
        source: ByteSource<'static>,
        key: &str,
    ) -> Result<Self, CheckpointError> {
        let failed = |problem| CheckpointError::Packed { path: path.to_owned(), problem };
        let tail = Tail::read(&source)?.map_err(failed)?;
        let mut text = vec![0; tail.length as usize];
        source.read_exact_at(&mut text, tail.start)?;
        let PackedIndex { key: found, tensors } = tail.index(&text).map_err(failed)?;
        match found == key {
            true => Ok(Self { path: path.to_owned(), source, tensors }),
            false => Err(failed(PackedFileError::Key)),
        }
    }

    /// Returns the packed linear layer `name` of shape (output, input), in one of `precisions`.
    ///
    /// # Errors
    /// If the file holds no such layer, or its bytes are damaged, or memory cannot be had.
    pub fn linear(
        &self,
        name: &str,
        (output, input): (usize, usize),
        precisions: &[Precision],
        arena: &Arena,
    ) -> Result<Linear, CheckpointError> {
        let found = precisions.iter().find_map(|precision| {
            let bytes = Linear::packed_bytes(*precision, output, input);
            Some((*precision, self.find(name, Some(*precision), bytes)?))
        });
        let (precision, tensor) = found.ok_or_else(|| self.missing(name))?;
        let failed = |cause| CheckpointError::Read { path: self.path.clone(), cause };
        let mut block = arena.allocate(tensor.bytes as usize).map_err(failed)?;
        self.copy(name, tensor, block.as_mut_slice())?;
        let linear = Linear::from_packed(block, output, input, precision);
        let linear = linear.ok_or_else(|| self.missing(name))?;
        if linear.is_finite() { Ok(linear) } else { Err(self.non_finite(name)) }
    }

    /// Reads a tensor's bytes into `to` and verifies their checksums.
    fn copy(
        &self,
        name: &str,
        tensor: &PackedTensor,
        to: &mut [u8],
    ) -> Result<(), CheckpointError> {
        let chunks = to.par_chunks_mut(CHUNK).zip(&tensor.checksums).enumerate();
        let intact = chunks
            .map(|(i, (to, expected))| {
                self.source.read_exact_at(to, tensor.start + (i * CHUNK) as u64)?;
                Ok(xxh3_64(to) == *expected)
            })
            .try_reduce(|| true, |a, b| Ok::<_, CheckpointError>(a && b))?;
        match intact {
            true => Ok(()),
            false => Err(self.error(PackedFileError::Checksum { name: name.to_owned() })),
        }
    }

    fn error(&self, problem: PackedFileError) -> CheckpointError {
        CheckpointError::Packed { path: self.path.clone(), problem }
    }

    fn non_finite(&self, name: &str) -> CheckpointError {
        self.error(PackedFileError::NonFinite { name: name.to_owned() })
    }

    fn missing(&self, name: &str) -> CheckpointError {
        self.error(PackedFileError::Missing { name: name.to_owned() })
    }

    /// Returns a tensor of this name, precision (none for f32 values) and size in bytes.
    fn find(&self, name: &str, packed: Option<Precision>, bytes: usize) -> Option<&PackedTensor> {
        self.tensors.get(name).filter(|tensor| {
            tensor.packed.as_deref() == packed.map(Precision::name)
                && tensor.bytes == bytes as u64
                && tensor.checksums.len() as u64 == tensor.bytes.div_ceil(CHUNK as u64)
        })
    }
}

impl TensorSource for PackedFile {
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let length: usize = shape.iter().product();
        let tensor = self.find(&names[0], None, length * 4);
        let tensor = tensor.ok_or_else(|| self.missing(&names[0]))?;
        let mut bytes = vec![0; length * 4];
        self.copy(&names[0], tensor, &mut bytes)?;
        let values = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let values: Vec<f32> = values.collect();
        let finite = values.iter().all(|value| value.is_finite());
        if finite { Ok(values) } else { Err(self.non_finite(&names[0])) }
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }
}

/// Place of the index, as the end of a file states it.
struct Tail {
    /// Offset of the index, in bytes.
    start: u64,
    length: u64,
    checksum: u64,
}

impl Tail {
    /// Reads the end of a file and checks that the index lies right before it and is not too large.
    fn read(source: &ByteSource<'_>) -> Result<Result<Self, PackedFileError>, CheckpointError> {
        let bytes = source.bytes();
        let Some(at) = bytes.checked_sub(TAIL as u64) else {
            return Ok(Err(PackedFileError::NotPacked { bytes }));
        };
        let mut tail = [0; TAIL];
        source.read_exact_at(&mut tail, at)?;
        let (numbers, magic) = tail.split_at(TAIL - MAGIC.len() - 1);
        let (magic, version) = magic.split_at(MAGIC.len());
        if magic != MAGIC {
            return Ok(Err(PackedFileError::NotPacked { bytes }));
        }
        if version != [VERSION] {
            let (found, expected) = (version[0], VERSION);
            return Ok(Err(PackedFileError::Version { found, expected }));
        }
        let (numbers, _) = numbers.as_chunks::<8>();
        let [start, length, checksum] = [0, 1, 2].map(|i| u64::from_le_bytes(numbers[i]));
        let fits = start.checked_add(length) == Some(at) && length <= MAX_PACKED_INDEX_BYTES;
        Ok(if fits {
            Ok(Self { start, length, checksum })
        } else {
            Err(PackedFileError::IndexDamaged)
        })
    }

    /// Parses the index and checks that all tensors lie before it.
    fn index(&self, text: &[u8]) -> Result<PackedIndex, PackedFileError> {
        if xxh3_64(text) != self.checksum {
            return Err(PackedFileError::IndexDamaged);
        }
        let index: PackedIndex =
            serde_json::from_slice(text).map_err(PackedFileError::IndexJson)?;
        let outside = |tensor: &PackedTensor| {
            tensor.start.checked_add(tensor.bytes).is_none_or(|end| end > self.start)
        };
        match index.tensors.iter().find(|(_, tensor)| outside(tensor)) {
            Some((name, _)) => Err(PackedFileError::OutOfBounds { name: name.clone() }),
            None => Ok(index),
        }
    }
}

/// Writer of a packed file. The first failure stops writing and is returned by [`PackedWriter::finish`],
/// because a model that cannot be cached still has to load.
pub(super) struct PackedWriter {
    file: BufWriter<File>,
    index: PackedIndex,
    /// Bytes written.
    offset: u64,
    failure: Option<io::Error>,
}

impl PackedWriter {
    /// Begins a file for the model, precision and packing order that `key` names.
    pub fn new(file: File, key: &str) -> Self {
        let index = PackedIndex { key: key.to_owned(), tensors: BTreeMap::new() };
        Self { file: BufWriter::with_capacity(1 << 20, file), index, offset: 0, failure: None }
    }

    /// Adds a packed linear layer.
    pub fn linear(&mut self, name: &str, layer: &Linear) {
        self.add(name, Some(layer.precision().name().to_owned()), layer.packed());
    }

    /// Adds a tensor of f32 values.
    pub fn values(&mut self, name: &str, values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.add(name, None, &bytes);
    }

    fn add(&mut self, name: &str, packed: Option<String>, bytes: &[u8]) {
        if self.failure.is_some() || self.index.tensors.contains_key(name) {
            return;
        }
        let start = self.offset.next_multiple_of(ALIGNMENT);
        let padding = [0; ALIGNMENT as usize];
        let padding = &padding[..(start - self.offset) as usize];
        let written = self.file.write_all(padding).and_then(|()| self.file.write_all(bytes));
        self.failure = written.err();
        self.offset = start + bytes.len() as u64;
        let checksums = bytes.par_chunks(CHUNK).map(xxh3_64).collect();
        let tensor = PackedTensor { packed, start, bytes: bytes.len() as u64, checksums };
        self.index.tensors.insert(name.to_owned(), tensor);
    }

    /// Writes the index and the tail, which make the file complete.
    ///
    /// # Errors
    /// The first failure of any write.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let text = serde_json::to_vec(&self.index)?;
        self.file.write_all(&text)?;
        for number in [self.offset, text.len() as u64, xxh3_64(&text)] {
            self.file.write_all(&number.to_le_bytes())?;
        }
        self.file.write_all(&MAGIC)?;
        self.file.write_all(&[VERSION])?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shape of a layer that has as many bytes in bfloat16 as in int8.
    const LAYER: (usize, usize) = (32, 65);
    const GAIN: [f32; 16] = [-2.5; 16];

    fn name(name: &str) -> [String; 1] {
        [name.to_owned()]
    }

    /// Returns two layers of one shape packed as int4, of which the second has outliers that take a larger precision.
    fn layers() -> [Linear; 2] {
        let even: Vec<f32> = (0..LAYER.0 * LAYER.1).map(|i| (i % 97) as f32 - 48.0).collect();
        let spiky = even.iter().enumerate().map(|(i, x)| if i % LAYER.1 == 0 { 1e4 } else { *x });
        let pack = |w: &[f32]| Linear::pack(w, LAYER.0, LAYER.1, Precision::Int4, &Arena::new());
        [pack(&even).unwrap(), pack(&spiky.collect::<Vec<_>>()).unwrap()]
    }

    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("x.packed");
        let mut writer = PackedWriter::new(File::create(&path).unwrap(), "key");
        let [even, spiky] = layers();
        writer.linear("layer", &even);
        writer.values("gain", &GAIN);
        writer.linear("spiky", &spiky);
        writer.values("large", &[0.5; CHUNK / 4 + 5]);
        writer.finish().unwrap();
        path
    }

    fn open(path: &Path, key: &str) -> Result<PackedFile, CheckpointError> {
        PackedFile::parse(path, ByteSource::open(path)?, key)
    }

    fn read(file: &PackedFile) -> Result<(), CheckpointError> {
        let forms = Linear::precision_fallbacks(Precision::Int4);
        for (layer, name) in layers().iter().zip(["layer", "spiky"].map(name)) {
            let found = file.linear(&name[0], LAYER, forms, &Arena::new())?;
            assert_eq!(found.precision(), layer.precision());
            assert!(found.packed() == layer.packed());
        }
        assert_eq!(file.tensor(&name("gain"), &[8, 2])?, GAIN);
        assert_eq!(file.tensor(&name("large"), &[CHUNK / 4 + 5])?, [0.5; CHUNK / 4 + 5]);
        Ok(())
    }

    #[test]
    fn written_tensors_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let file = open(&path, "key").unwrap();
        read(&file).unwrap();
        assert!(file.has("gain") && !file.has("bias"));
        let wrong = |name: [String; 1], shape, precision| {
            let found =
                file.linear(&name[0], shape, Linear::precision_fallbacks(precision), &Arena::new());
            assert!(found.is_err());
        };
        wrong(name("layer"), (64, 65), Precision::Int4);
        wrong(name("layer"), LAYER, Precision::Int8);
        wrong(name("spiky"), LAYER, Precision::F32);
        // (1, 1) in bf16 has as many bytes as the values.
        wrong(name("gain"), (1, 1), Precision::Bf16);
        wrong(name("none"), LAYER, Precision::Int4);
        assert!(file.tensor(&name("layer"), &[2240 / 4]).is_err());
        assert!(open(&path, "other").is_err());
    }

    #[test]
    fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 1, 31, 32, 100, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(open(&path, "key").is_err(), "cut to {length}");
        }
        // The padding between tensors is not covered by checksums.
        let used = [0, 2239, 2240, 2303, 2304, 6463, 6464, CHUNK, CHUNK + 6483];
        let list = (CHUNK + 6484..whole.len()).step_by(3).chain([whole.len() - 1]);
        for at in used.into_iter().chain(list) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            let found = open(&path, "key").and_then(|file| read(&file));
            assert!(found.is_err(), "byte {at} changed");
        }
    }

    #[test]
    fn a_file_cut_short_after_it_was_opened_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 1, 2239, 2240, CHUNK, whole.len() / 2] {
            std::fs::write(&path, &whole).unwrap();
            let file = open(&path, "key").unwrap();
            File::options().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
            let error = read(&file).unwrap_err();
            assert!(matches!(error, CheckpointError::Changed { .. }), "{error}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_whatever_the_checksum_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.packed");
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for precision in [Precision::Bf16, Precision::Int8] {
                let weights: Vec<f32> = (0..LAYER.0 * LAYER.1).map(|i| (i % 97) as f32).collect();
                let good = Linear::pack(&weights, LAYER.0, LAYER.1, precision, &Arena::new());
                let good = good.unwrap();
                let mut bytes = good.packed().to_vec();
                // The last number of a block in bfloat16 is a weight, or a scale in int8.
                let end = bytes.len();
                let number = half::bf16::from_f32(bad).to_ne_bytes();
                bytes[end - 2..].copy_from_slice(&number);
                let mut writer = PackedWriter::new(File::create(&path).unwrap(), "key");
                writer.values("good", &GAIN);
                writer.values("bad", &[1.0, bad]);
                writer.add("layer", Some(precision.name().to_owned()), &bytes);
                writer.finish().unwrap();
                let file = open(&path, "key").unwrap();
                file.tensor(&name("good"), &[16]).unwrap();
                let forms = Linear::precision_fallbacks(precision);
                for error in [
                    file.tensor(&name("bad"), &[2]).unwrap_err(),
                    file.linear("layer", LAYER, forms, &Arena::new()).err().unwrap(),
                ] {
                    assert!(error.to_string().contains("not finite"), "{error}");
                }
            }
        }
    }

    #[test]
    fn files_of_another_version_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        for version in [0, 2, VERSION + 1] {
            bytes[last] = version;
            std::fs::write(&path, &bytes).unwrap();
            let error = open(&path, "key").err().unwrap();
            let CheckpointError::Packed { problem, .. } = error else { panic!("{error}") };
            assert!(matches!(problem, PackedFileError::Version { found, .. } if found == version));
        }
    }
}
