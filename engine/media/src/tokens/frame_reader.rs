//! A reader of code frames as they arrive.

use std::io::{BufRead, Read};

use super::frame_line::parse;
use super::{Codes, FrameError, FrameErrorKind, npy};

/// Longest line accepted, in bytes; 32 layers take at most 350.
const MAX_LINE: usize = 1 << 16;
/// First byte of a `.npy` file; no UTF-8 text starts with it.
const NPY_START: u8 = 0x93;
/// UTF-8's byte order mark, which some editors write.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The format of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// One frame a line.
    Lines,
    /// One whole `.npy` file.
    Npy,
}

/// Reads frames of codes from a stream, such as stdin of `residue decode -`.
///
/// The first byte distinguishes two formats:
///
/// * **Lines of text**: one frame a line, one non-negative decimal integer a layer, first layer
///   first, separated by spaces, tabs or commas, optionally in brackets, so that a line may be a JSON
///   array: `12 7 1023`, `12,7,1023` and `[12, 7, 1023]` are the same frame. Every frame has as many
///   codes as the first. Blank lines and lines starting with `#` are skipped; lines end with LF or
///   CRLF; at the end of the input the last one needs no newline. A frame is returned as soon as
///   its newline arrives; the reader never waits for input beyond it.
/// * **A `.npy` file** as [`npy::read_from`] takes it: read whole, then returned frame by frame.
///
/// Iterating gives frames of one code a layer and blocks until the next one arrives. After an error
/// there are no more frames.
#[derive(Debug)]
pub struct FrameReader<R> {
    reader: R,
    name: String,
    limits: Option<Limits>,
    /// Codes of each frame that are kept.
    depth: usize,
    line: u64,
    state: ReaderState,
}

/// Bounds of the codes that a model can decode.
#[derive(Clone, Copy, Debug)]
struct Limits {
    layers: usize,
    codebook_size: usize,
}

/// Progress of a reader.
#[derive(Debug)]
enum ReaderState {
    /// Nothing has arrived yet.
    Start,
    /// Lines, with the codes of a frame once the first has been read.
    Lines(Option<usize>),
    /// An array and the next frame to return.
    Npy(Codes, usize),
    /// The input ended or failed.
    Done,
}

impl<R: BufRead> FrameReader<R> {
    /// Returns a reader of frames from `reader`; `name` stands for it in errors. Reads nothing yet.
    pub fn new(reader: R, name: &str) -> Self {
        let name = name.to_owned();
        Self { reader, name, limits: None, depth: usize::MAX, line: 0, state: ReaderState::Start }
    }

    /// Returns a reader that also refuses frames that a model of `layers` layers with codebooks of `codebook_size`
    /// rows cannot decode.
    pub fn for_model(mut self, layers: usize, codebook_size: usize) -> Self {
        self.limits = Some(Limits { layers, codebook_size });
        self
    }

    /// Returns a reader that gives and checks the first `depth` layers only, so that a model of fewer layers than the
    /// stream has can decode these.
    pub fn first_layers(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Returns the stream's format. Blocks until its first byte arrives; an empty stream counts as lines.
    ///
    /// # Errors
    /// [`FrameError`] if the input fails or is an unreadable `.npy` file.
    pub fn format(&mut self) -> Result<StreamFormat, FrameError> {
        self.start()?;
        Ok(if matches!(self.state, ReaderState::Npy(..)) {
            StreamFormat::Npy
        } else {
            StreamFormat::Lines
        })
    }

    /// Determines the format.
    fn start(&mut self) -> Result<(), FrameError> {
        if !matches!(self.state, ReaderState::Start) {
            return Ok(());
        }
        // A failure below ends the stream.
        self.state = ReaderState::Done;
        let first = loop {
            match self.reader.fill_buf() {
                Ok(bytes) => break bytes.first().copied(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.read_error(source)),
            }
        };
        self.state = match first {
            Some(NPY_START) => {
                let codes = npy::read_from(&mut self.reader, &self.name)?.truncated(self.depth);
                if let Some(Limits { layers, codebook_size }) = self.limits {
                    let name = self.name.clone();
                    codes
                        .check(layers, codebook_size)
                        .map_err(|source| FrameError::Codes { name, source })?;
                }
                ReaderState::Npy(codes, 0)
            }
            _ => ReaderState::Lines(None),
        };
        Ok(())
    }

    fn next_frame(&mut self) -> Result<Option<Vec<u32>>, FrameError> {
        self.start()?;
        match &mut self.state {
            ReaderState::Npy(codes, next) if *next < codes.frames() => {
                *next += 1;
                Ok(Some(codes.frame(*next - 1)))
            }
            ReaderState::Lines(expected) => {
                let expected = *expected;
                let Some(mut frame) = self.next_line(expected)? else { return Ok(None) };
                self.state = ReaderState::Lines(Some(frame.len()));
                frame.truncate(self.depth);
                Ok(Some(frame))
            }
            _ => Ok(None),
        }
    }

    /// Returns the frame on the next line that holds one.
    fn next_line(&mut self, expected: Option<usize>) -> Result<Option<Vec<u32>>, FrameError> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let limit = MAX_LINE as u64 + 1;
            if let Err(source) = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes) {
                return Err(self.read_error(source));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if self.line == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            match frame(&bytes, expected, self.limits, self.depth) {
                Ok(None) => {}
                Ok(some) => return Ok(some),
                Err(problem) => {
                    let (name, line) = (self.name.clone(), self.line);
                    return Err(FrameError::Line { name, line, problem });
                }
            }
        }
    }

    fn read_error(&self, source: std::io::Error) -> FrameError {
        FrameError::Read { name: self.name.clone(), line: self.line, source }
    }
}

impl<R: BufRead> Iterator for FrameReader<R> {
    type Item = Result<Vec<u32>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_frame().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.state = ReaderState::Done;
        }
        next
    }
}

/// Parses the frame in a line's bytes and checks its first `depth` codes; `None` for a blank line or a comment.
fn frame(
    bytes: &[u8],
    expected: Option<usize>,
    limits: Option<Limits>,
    depth: usize,
) -> Result<Option<Vec<u32>>, FrameErrorKind> {
    if bytes.len() > MAX_LINE {
        return Err(FrameErrorKind::TooLong { limit: MAX_LINE });
    }
    // NUL is valid UTF-8, but occurs only in UTF-16 or binary data.
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let Some(frame) = parse(text.ok_or(FrameErrorKind::NotText)?)? else { return Ok(None) };
    let found = frame.len();
    let kept = &frame[..found.min(depth)];
    if let Some(Limits { layers, codebook_size }) = limits {
        if kept.len() > layers {
            return Err(FrameErrorKind::TooManyLayers { found, layers });
        }
        if let Some(layer) = kept.iter().position(|value| *value as usize >= codebook_size) {
            return Err(FrameErrorKind::OutOfRange { layer, value: frame[layer], codebook_size });
        }
    }
    match expected {
        Some(expected) if found != expected => Err(FrameErrorKind::LayerCount { found, expected }),
        _ => Ok(Some(frame)),
    }
}
