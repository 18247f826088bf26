//! Codes as `.npy` files, NumPy's format for one array.
//!
//! Written as `numpy.save(path, codes)` writes an int64 array of shape (K, T), byte for byte. Read in
//! any integer type, byte order and memory order, as (K, T), or with one dimension of 1 more at any place; of
//! several the first is left out. No frames are allowed: an empty recording encodes to `(16, 0)` and decodes to one again. No layers are an error. Bytes after
//! the array are ignored, as by numpy.load. Memory grows with the bytes present, not with the shape that the
//! header declares.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use residue_core::atomic_file;

pub use super::npy_appender::NpyAppender;
use super::npy_header::{NpyHeader, NpyInteger, NpyOrder, fill};
use super::{Codes, NpyError, NpyErrorKind};

/// Most layers accepted. Far above any codec's, so that arrays with frames as first dimension can be read and
/// [`Codes::check`] can recognise them.
const MAX_LAYERS: u64 = 1 << 20;
/// Most codes accepted: a year of 32 layers at 12.5 frames a second.
const MAX_CODES: u64 = 1 << 34;
/// Bytes read at once; a multiple of every element size.
const BLOCK: usize = 1 << 16;

/// Writes `codes` to `path`; replaces an existing file atomically.
///
/// # Errors
/// [`NpyErrorKind::Write`] if the file cannot be created or written.
pub fn write(path: &Path, codes: &Codes) -> Result<(), NpyError> {
    let save = |file| write_to(BufWriter::new(file), codes);
    atomic_file::write(path, save)
        .map_err(|error| NpyErrorKind::Write(error).of(&path.display().to_string()))
}

/// Writes `codes` to `writer` and flushes it.
///
/// # Errors
/// The writer's error.
pub fn write_to(mut writer: impl Write, codes: &Codes) -> io::Result<()> {
    writer.write_all(&NpyHeader::for_codes(codes.layers(), codes.frames(), NpyOrder::C))?;
    for code in codes.data() {
        writer.write_all(&i64::from(*code).to_le_bytes())?;
    }
    writer.flush()
}

/// Reads codes from the file at `path`.
///
/// # Errors
/// [`NpyError`] with the path, expected, found and a remedy.
pub fn read(path: &Path) -> Result<Codes, NpyError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_from(BufReader::new(file), &name),
        Err(error) => Err(NpyErrorKind::Read(error).of(&name)),
    }
}

/// Reads a batch from the file at `path`: an array of three dimensions, of which `axis` (0 to 2) counts the items, and
/// the others, in their order, layers and frames. The published code makes (K, B, T), axis 1; transformers (B, K, T),
/// axis 0.
///
/// # Errors
/// As [`read`], and [`NpyErrorKind::NoBatch`] for an array of other dimensions.
pub fn read_batch(path: &Path, axis: usize) -> Result<Vec<Codes>, NpyError> {
    let name = path.display().to_string();
    let read = || {
        let mut reader = BufReader::new(File::open(path).map_err(NpyErrorKind::Read)?);
        let header = NpyHeader::read(&mut reader)?;
        let &[a, b, c] = header.shape.as_slice() else {
            return Err(NpyErrorKind::NoBatch(header.shape.clone()));
        };
        let mut rest = vec![a, b, c];
        let items = rest.remove(axis.min(2));
        // In the order of the file.
        let (rows, columns) = layout(&[a, b.saturating_mul(c)])?;
        let (layers, frames) = layout(&rest)?;
        // Items without frames take no bytes in the file, and so may be any number.
        layout(&[items, 1])?;
        let values = elements(&mut reader, &header, rows, columns)?;
        let mut strides = match header.fortran_order {
            false => vec![b * c, c, 1],
            true => vec![1, a, a * b],
        };
        let item_stride = strides.remove(axis.min(2));
        let at =
            |i: u64, k: u64, t: u64| (i * item_stride + k * strides[0] + t * strides[1]) as usize;
        let codes = |i: u64| {
            let rows = (0..layers as u64).flat_map(|k| (0..frames as u64).map(move |t| (k, t)));
            Codes::new(layers, frames, rows.map(|(k, t)| values[at(i, k, t)]).collect())
        };
        Ok((0..items).map(codes).collect())
    };
    read().map_err(|problem| problem.of(&name))
}

/// Reads codes from `reader`, up to the array's last byte; `name` stands for the file in errors.
///
/// # Errors
/// As [`read`].
pub fn read_from(mut reader: impl Read, name: &str) -> Result<Codes, NpyError> {
    parse(&mut reader).map_err(|problem| problem.of(name))
}

fn parse(reader: &mut impl Read) -> Result<Codes, NpyErrorKind> {
    let header = NpyHeader::read(reader)?;
    let (layers, frames) = layout(&header.shape)?;
    let codes = match header.fortran_order {
        false => Codes::new(layers, frames, elements(reader, &header, layers, frames)?),
        // First index fastest: the array is stored frame by frame.
        true => Codes::new(frames, layers, elements(reader, &header, layers, frames)?).transposed(),
    };
    Ok(codes)
}

/// Returns layers and frames of an array of this shape.
fn layout(shape: &[u64]) -> Result<(usize, usize), NpyErrorKind> {
    let (layers, frames) = match *shape {
        [layers, frames] | [1, layers, frames] | [layers, 1, frames] | [layers, frames, 1] => {
            (layers, frames)
        }
        [_, _, _] => return Err(NpyErrorKind::Batch(shape.to_vec())),
        _ => return Err(NpyErrorKind::Rank(shape.to_vec())),
    };
    if layers == 0 {
        return Err(NpyErrorKind::NoLayers(shape.to_vec()));
    }
    let count = layers.checked_mul(frames).filter(|n| layers <= MAX_LAYERS && *n <= MAX_CODES);
    match (count, usize::try_from(layers), usize::try_from(frames)) {
        (Some(_), Ok(layers), Ok(frames)) => Ok((layers, frames)),
        _ => Err(NpyErrorKind::TooLarge(shape.to_vec())),
    }
}

/// Reads all `layers * frames` elements in the order of the file.
fn elements(
    reader: &mut impl Read,
    header: &NpyHeader,
    layers: usize,
    frames: usize,
) -> Result<Vec<u32>, NpyErrorKind> {
    let NpyHeader { dtype, fortran_order, .. } = *header;
    let expected = (layers * frames * dtype.bytes) as u64;
    let mut codes = Vec::new();
    let mut block = vec![0; BLOCK];
    let mut found = 0;
    while found < expected {
        let wanted = (expected - found).min(BLOCK as u64) as usize;
        let read = fill(reader, &mut block[..wanted]).map_err(NpyErrorKind::Read)?;
        found += read as u64;
        if read < wanted {
            return Err(NpyErrorKind::Truncated { after: header.length, expected, found });
        }
        for element in block[..wanted].chunks_exact(dtype.bytes) {
            let at = codes.len();
            let (layer, frame) =
                if fortran_order { (at % layers, at / layers) } else { (at / frames, at % frames) };
            codes.push(dtype.code(element, layer, frame)?);
        }
    }
    Ok(codes)
}

impl NpyInteger {
    /// Returns the code in the bytes of one element; layer and frame are for the error.
    fn code(self, element: &[u8], layer: usize, frame: usize) -> Result<u32, NpyErrorKind> {
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = match self.big_endian {
            true => element.iter().fold(0, push),
            false => element.iter().rev().fold(0, push),
        };
        let unused = 64 - 8 * self.bytes as u32;
        // Shifting up and arithmetically down again extends the sign of shorter elements.
        let signed = (value << unused).cast_signed() >> unused;
        if self.signed && signed < 0 {
            return Err(NpyErrorKind::Negative { layer, frame, value: signed });
        }
        u32::try_from(value).map_err(|_| NpyErrorKind::TooLargeCode { layer, frame, value })
    }
}
