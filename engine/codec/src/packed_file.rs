//! Packed weights on disk, so that a model's second start only has to copy them.
//!
//! A file holds what one model in one precision became when it was loaded: each tensor's bytes,
//! starting at multiples of 64, then a JSON list of them with a checksum each, then a tail of 32
//! bytes: where the list starts, its length, its checksum, and [`MAGIC`]. The list also holds the
//! key that the file was made for: anything else than exactly that is damage, told in words, and the
//! model is packed anew.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::checkpoint::TensorSource;
use super::checksum::checksum;
use super::error::CheckpointError;
use super::mapped_file;
use residue_kernels::{Arena, Linear, Precision};

/// What a file ends with; its last byte is the version of the format.
const MAGIC: [u8; 8] = *b"RESIDUE\x02";
const TAIL: usize = 32;
const ALIGN: u64 = 64;
/// Bytes that are copied and summed at a time; sums are of whole pieces.
const PIECE: usize = 4 << 20;

#[derive(Serialize, Deserialize)]
struct List {
    key: String,
    tensors: BTreeMap<String, Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    /// The precision that a linear layer is packed in; other tensors are f32 in little-endian order.
    packed: Option<String>,
    start: u64,
    bytes: u64,
    /// Of each piece of 4 MiB.
    checksums: Vec<u64>,
}

/// Packed weights of a model, mapped.
pub(super) struct PackedFile {
    path: PathBuf,
    map: memmap2::Mmap,
    tensors: BTreeMap<String, Entry>,
}

impl PackedFile {
    /// Opens `path` and checks its list; none if there is no such file.
    pub fn open(path: &Path, key: &str) -> Result<Option<Self>, CheckpointError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file,
        };
        let fail = |source| CheckpointError::Read { path: path.to_owned(), source };
        // SAFETY: the map is only read. Files are renamed into place whole and never changed after,
        // as `Checkpoint` says of its own.
        let map = file.and_then(|file| unsafe { memmap2::Mmap::map(&file) }).map_err(fail)?;
        let list = parse(&map).and_then(|list| match list.key == key {
            true => Ok(list),
            false => Err("it was made for another model or precision".to_owned()),
        });
        match list {
            Ok(List { tensors, .. }) => Ok(Some(Self { path: path.to_owned(), map, tensors })),
            Err(problem) => Err(CheckpointError::Packed { path: path.to_owned(), problem }),
        }
    }

    /// Copies a tensor's bytes to `to`, checking them.
    fn copy(&self, name: &str, entry: &Entry, to: &mut [u8]) -> Result<(), CheckpointError> {
        let from = &self.map[entry.start as usize..][..to.len()];
        let pieces = from.par_chunks(PIECE).zip(to.par_chunks_mut(PIECE)).zip(&entry.checksums);
        let whole = pieces
            .map(|((from, to), expected)| {
                to.copy_from_slice(from);
                checksum(to) == *expected
            })
            .reduce(|| true, |a, b| a && b);
        mapped_file::forget(&self.map, entry.start as usize, to.len());
        match whole {
            true => Ok(()),
            false => Err(self.damaged(format!("the bytes of {name} are not those written"))),
        }
    }

    fn damaged(&self, problem: String) -> CheckpointError {
        CheckpointError::Packed { path: self.path.clone(), problem }
    }

    /// A tensor's entry, if it is packed in such a precision, or not at all, and as many bytes long.
    fn find(&self, name: &str, packed: Option<Precision>, bytes: usize) -> Option<&Entry> {
        self.tensors.get(name).filter(|entry| {
            entry.packed.as_deref() == packed.map(Precision::name)
                && entry.bytes == bytes as u64
                && entry.checksums.len() as u64 == entry.bytes.div_ceil(PIECE as u64)
        })
    }

    fn missing(&self, name: &str) -> CheckpointError {
        self.damaged(format!("{name} is missing or of another size"))
    }
}

/// The list of a whole file whose tensors all lie in it.
fn parse(file: &[u8]) -> Result<List, String> {
    let cut = || format!("expected packed weights, found {} bytes that end otherwise", file.len());
    let (body, tail) = file.split_last_chunk::<TAIL>().ok_or_else(cut)?;
    let number = |i: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&tail[8 * i..][..8]);
        bytes
    };
    if number(3) != MAGIC {
        return Err(cut());
    }
    let [start, length, sum] = [0, 1, 2].map(|i| u64::from_le_bytes(number(i)));
    let text = usize::try_from(start).ok().and_then(|start| body.get(start..));
    let text = text.filter(|text| text.len() as u64 == length && checksum(text) == sum);
    let text = text.ok_or("its list is damaged")?;
    let list: List = serde_json::from_slice(text).map_err(|e| format!("its list: {e}"))?;
    let outside =
        |entry: &Entry| entry.start.checked_add(entry.bytes).is_none_or(|end| end > start);
    match list.tensors.iter().find(|(_, entry)| outside(entry)) {
        Some((name, _)) => Err(format!("{name} lies outside of it")),
        None => Ok(list),
    }
}

impl TensorSource for PackedFile {
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let length: usize = shape.iter().product();
        let entry = self.find(&names[0], None, length * 4);
        let entry = entry.ok_or_else(|| self.missing(&names[0]))?;
        let mut bytes = vec![0; length * 4];
        self.copy(&names[0], entry, &mut bytes)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn packed(
        &self,
        names: &[String],
        (output, input): (usize, usize),
        forms: &[Precision],
        arena: &Arena,
    ) -> Result<Option<Linear>, CheckpointError> {
        let name = &names[0];
        let kept = forms.iter().find_map(|form| {
            let bytes = Linear::packed_bytes(*form, output, input);
            Some((*form, self.find(name, Some(*form), bytes)?))
        });
        let (form, entry) = kept.ok_or_else(|| self.missing(name))?;
        let fail = |source| CheckpointError::Read { path: self.path.clone(), source };
        let mut block = arena.take(entry.bytes as usize).map_err(fail)?;
        self.copy(name, entry, block.as_mut_slice())?;
        Ok(Linear::from_packed(block, output, input, form))
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }
}

/// Writes packed weights one after the other. The first failure ends writing and is told at the end:
/// a model that cannot be kept for the next start can still run.
pub(super) struct PackedWriter {
    file: BufWriter<File>,
    list: List,
    at: u64,
    failure: Option<io::Error>,
}

impl PackedWriter {
    pub fn new(file: File, key: &str) -> Self {
        let list = List { key: key.to_owned(), tensors: BTreeMap::new() };
        Self { file: BufWriter::with_capacity(1 << 20, file), list, at: 0, failure: None }
    }

    /// Adds a packed layer.
    pub fn packed(&mut self, name: &str, layer: &Linear) {
        self.add(name, Some(layer.precision().name().to_owned()), layer.packed());
    }

    /// Adds another tensor.
    pub fn values(&mut self, name: &str, values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.add(name, None, &bytes);
    }

    fn add(&mut self, name: &str, packed: Option<String>, bytes: &[u8]) {
        if self.failure.is_some() || self.list.tensors.contains_key(name) {
            return;
        }
        let start = self.at.next_multiple_of(ALIGN);
        let gap = [0; ALIGN as usize];
        let gap = &gap[..(start - self.at) as usize];
        let written = self.file.write_all(gap).and_then(|()| self.file.write_all(bytes));
        self.failure = written.err();
        self.at = start + bytes.len() as u64;
        let checksums = bytes.par_chunks(PIECE).map(checksum).collect();
        let entry = Entry { packed, start, bytes: bytes.len() as u64, checksums };
        self.list.tensors.insert(name.to_owned(), entry);
    }

    /// Writes the list; the file is then whole.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let text = serde_json::to_vec(&self.list)?;
        self.file.write_all(&text)?;
        for number in [self.at, text.len() as u64, checksum(&text)] {
            self.file.write_all(&number.to_le_bytes())?;
        }
        self.file.write_all(&MAGIC)?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In bfloat16 as many bytes as in 8 bits.
    const LAYER: (usize, usize) = (32, 65);
    const GAIN: [f32; 16] = [-2.5; 16];

    fn name(name: &str) -> [String; 1] {
        [name.to_owned()]
    }

    /// Layers with the same weights: one that 4 bits spoil, and one that they do not.
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
        writer.packed("layer", &even);
        writer.values("gain", &GAIN);
        writer.packed("spiky", &spiky);
        writer.values("large", &[0.5; PIECE / 4 + 5]);
        writer.finish().unwrap();
        path
    }

    fn read(file: &PackedFile) -> Result<(), CheckpointError> {
        let forms = Linear::forms(Precision::Int4);
        for (layer, name) in layers().iter().zip(["layer", "spiky"].map(name)) {
            let found = file.packed(&name, LAYER, forms, &Arena::new())?.unwrap();
            assert_eq!(found.precision(), layer.precision());
            assert!(found.packed() == layer.packed());
        }
        assert_eq!(file.tensor(&name("gain"), &[8, 2])?, GAIN);
        assert_eq!(file.tensor(&name("large"), &[PIECE / 4 + 5])?, [0.5; PIECE / 4 + 5]);
        Ok(())
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let file = PackedFile::open(&path, "key").unwrap().unwrap();
        read(&file).unwrap();
        assert!(file.has("gain") && !file.has("bias"));
        let wrong = |name: [String; 1], shape, precision| {
            assert!(file.packed(&name, shape, Linear::forms(precision), &Arena::new()).is_err());
        };
        wrong(name("layer"), (64, 65), Precision::Int4);
        wrong(name("layer"), LAYER, Precision::Int8);
        wrong(name("spiky"), LAYER, Precision::F32);
        // As many bytes as its numbers.
        wrong(name("gain"), (1, 1), Precision::Bf16);
        wrong(name("none"), LAYER, Precision::Int4);
        assert!(file.tensor(&name("layer"), &[2240 / 4]).is_err());
        assert!(PackedFile::open(&path, "other").is_err());
        assert!(PackedFile::open(&folder.path().join("none"), "key").unwrap().is_none());
    }

    #[test]
    fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 1, 31, 32, 100, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(PackedFile::open(&path, "key").is_err(), "cut to {length}");
        }
        // The gaps between tensors are nobody's bytes.
        let used = [0, 2239, 2240, 2303, 2304, 6463, 6464, PIECE, PIECE + 6483];
        let list = (PIECE + 6484..whole.len()).step_by(3).chain([whole.len() - 1]);
        for at in used.into_iter().chain(list) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            let found = PackedFile::open(&path, "key").and_then(|file| read(&file.unwrap()));
            assert!(found.is_err(), "byte {at} changed");
        }
    }
}
