//! The header of a `.npy` file.
//!
//! Format: NumPy enhancement proposal 1 and `numpy.lib.format`: magic, version, the header's length,
//! then a Python dictionary literal with the keys `descr`, `fortran_order` and `shape`.
//!
//! Parsed here rather than by a crate, because files are untrusted: the parser reads at most [`MAX_HEADER`] bytes,
//! does not recurse, and does no arithmetic on declared sizes.

use std::io::{self, Read};

use super::NpyErrorKind;

/// First bytes of every `.npy` file.
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header accepted, in bytes; NumPy's own limit for headers it does not trust.
const MAX_HEADER: u64 = 10_000;
/// The header is padded so that the data start at a multiple of this.
const ALIGNMENT: usize = 64;
/// NumPy leaves room for the growing axis to become this many digits long.
const GROWTH_DIGITS: usize = 21;

/// An integer `dtype` of NumPy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NpyInteger {
    /// Bytes of an element: 1, 2, 4 or 8.
    pub bytes: usize,
    /// True for two's complement.
    pub signed: bool,
    /// True if the most significant byte is first.
    pub big_endian: bool,
}

/// The order of the elements of an array that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NpyOrder {
    /// Layer by layer.
    C,
    /// Frame by frame.
    Fortran,
}

/// The content of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NpyHeader {
    pub dtype: NpyInteger,
    /// True if the first index varies fastest in memory.
    pub fortran_order: bool,
    pub shape: Vec<u64>,
    /// Offset of the data, in bytes.
    pub length: u64,
}

impl NpyHeader {
    /// Reads and parses everything before the data.
    pub fn read(reader: &mut impl Read) -> Result<Self, NpyErrorKind> {
        let mut start = [0; 8];
        let found = fill(reader, &mut start).map_err(NpyErrorKind::Read)?;
        if found < MAGIC.len() || start[..MAGIC.len()] != *MAGIC {
            return Err(NpyErrorKind::NotNpy { found: describe(&start[..found]) });
        }
        if found < start.len() {
            let (after, found) = (MAGIC.len() as u64, (found - MAGIC.len()) as u64);
            return Err(NpyErrorKind::Truncated { after, expected: 2, found });
        }
        let length_bytes = match (start[6], start[7]) {
            (1, 0) => 2,
            (2 | 3, 0) => 4,
            (major, minor) => return Err(NpyErrorKind::Version { major, minor }),
        };
        let mut length = [0; 4];
        exact(reader, &mut length[..length_bytes], 8)?;
        let bytes = u64::from(u32::from_le_bytes(length));
        if bytes > MAX_HEADER {
            return Err(NpyErrorKind::HeaderTooLong { bytes, limit: MAX_HEADER });
        }
        let mut text = vec![0; bytes as usize];
        let after = 8 + length_bytes as u64;
        exact(reader, &mut text, after)?;
        let mut header = DictionaryParser { rest: &text }.header()?;
        header.length = after + bytes;
        Ok(header)
    }

    /// Returns the header that numpy.save writes for an int64 array of shape (`layers`, `frames`). Its length does not
    /// change while the growing axis does: the first in C order, the last in Fortran order.
    pub fn for_codes(layers: usize, frames: usize, order: NpyOrder) -> Vec<u8> {
        let (fortran_order, growing) = match order {
            NpyOrder::C => ("False", layers),
            NpyOrder::Fortran => ("True", frames),
        };
        let room = GROWTH_DIGITS.saturating_sub(growing.to_string().len());
        let text = format!(
            "{{'descr': '<i8', 'fortran_order': {fortran_order}, 'shape': ({layers}, {frames}), }}{:room$}",
            ""
        );
        // Magic, version, length and the final newline.
        let unpadded = MAGIC.len() + 4 + text.len() + 1;
        let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
        let length = (text.len() + padding + 1) as u16;
        let mut header = MAGIC.to_vec();
        header.extend([1, 0]);
        header.extend(length.to_le_bytes());
        header.extend(text.as_bytes());
        header.resize(header.len() + padding, b' ');
        header.push(b'\n');
        header
    }
}

/// Reads until `buffer` is full or the input ends; returns the bytes read.
pub(super) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills `buffer`, which begins `after` bytes into the file.
fn exact(reader: &mut impl Read, buffer: &mut [u8], after: u64) -> Result<(), NpyErrorKind> {
    let found = fill(reader, buffer).map_err(NpyErrorKind::Read)?;
    if found == buffer.len() {
        return Ok(());
    }
    Err(NpyErrorKind::Truncated { after, expected: buffer.len() as u64, found: found as u64 })
}

/// Describes a file that is not `.npy` by its first bytes.
fn describe(start: &[u8]) -> &'static str {
    match start {
        [] => "it is empty",
        [b'P', b'K', ..] => "it is a zip archive (.npz or .pt)",
        [b'R', b'I', b'F', b'F', ..] => "it is an audio file",
        text if text.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            "it is text"
        }
        _ => "it does not start with \\x93NUMPY",
    }
}

/// Parser of the dictionary.
struct DictionaryParser<'a> {
    rest: &'a [u8],
}

impl DictionaryParser<'_> {
    fn header(mut self) -> Result<NpyHeader, NpyErrorKind> {
        let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{', "it is not a dictionary")?;
        while !self.accept(b'}') {
            let key = self.string("a key is not a string")?;
            self.expect(b':', "a key has no value")?;
            match key.as_str() {
                "descr" => dtype = Some(self.dtype()?),
                "fortran_order" => fortran_order = Some(self.boolean()?),
                "shape" => shape = Some(self.shape()?),
                _ => return Err(damaged("it has a key that is not in the format")),
            }
            if !self.accept(b',') {
                self.expect(b'}', "the dictionary does not end")?;
                break;
            }
        }
        self.skip_space();
        if !self.rest.is_empty() {
            return Err(damaged("something follows the dictionary"));
        }
        match (dtype, fortran_order, shape) {
            (Some(dtype), Some(fortran_order), Some(shape)) => {
                Ok(NpyHeader { dtype, fortran_order, shape, length: 0 })
            }
            _ => Err(damaged("descr, fortran_order or shape is missing")),
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.skip_space();
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), NpyErrorKind> {
        if self.accept(byte) { Ok(()) } else { Err(damaged(reason)) }
    }

    fn string(&mut self, reason: &'static str) -> Result<String, NpyErrorKind> {
        let quote = if self.accept(b'\'') {
            b'\''
        } else if self.accept(b'"') {
            b'"'
        } else {
            return Err(damaged(reason));
        };
        let end = self.rest.iter().position(|b| *b == quote).ok_or(damaged("a string is open"))?;
        let text = String::from_utf8_lossy(&self.rest[..end]).into_owned();
        self.rest = &self.rest[end + 1..];
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, NpyErrorKind> {
        self.skip_space();
        for (word, value) in [(&b"True"[..], true), (&b"False"[..], false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(damaged("fortran_order is neither True nor False"))
    }

    fn shape(&mut self) -> Result<Vec<u64>, NpyErrorKind> {
        self.expect(b'(', "the shape is not a tuple")?;
        let mut shape = Vec::new();
        while !self.accept(b')') {
            shape.push(self.dimension()?);
            if !self.accept(b',') {
                self.expect(b')', "the shape does not end")?;
                break;
            }
        }
        Ok(shape)
    }

    fn dimension(&mut self) -> Result<u64, NpyErrorKind> {
        self.skip_space();
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let text = String::from_utf8_lossy(&self.rest[..digits]);
        let value = text.parse().map_err(|_| damaged("a dimension is not a count"))?;
        self.rest = &self.rest[digits..];
        // Python 2 wrote long integers as 16L.
        self.accept(b'L');
        Ok(value)
    }

    fn dtype(&mut self) -> Result<NpyInteger, NpyErrorKind> {
        self.skip_space();
        if self.rest.first() == Some(&b'[') {
            return Err(NpyErrorKind::Dtype { found: "records (a structured dtype)".to_owned() });
        }
        let name = self.string("descr is not a string")?;
        let not_integer = |name: String| NpyErrorKind::Dtype { found: format!("'{name}'") };
        let [order, sign, size] = *name.as_bytes() else { return Err(not_integer(name)) };
        let bytes = match size {
            b'1' | b'2' | b'4' | b'8' => usize::from(size - b'0'),
            _ => return Err(not_integer(name)),
        };
        let signed = match sign {
            b'i' => true,
            b'u' => false,
            _ => return Err(not_integer(name)),
        };
        let big_endian = match order {
            b'<' => false,
            b'>' => true,
            b'|' if bytes == 1 => false,
            b'=' => cfg!(target_endian = "big"),
            _ => return Err(not_integer(name)),
        };
        Ok(NpyInteger { bytes, signed, big_endian })
    }
}

fn damaged(reason: &'static str) -> NpyErrorKind {
    NpyErrorKind::Header { reason }
}
