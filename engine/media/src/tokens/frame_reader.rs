//! Frames of codes as they arrive.

use std::io::{BufRead, Read};

use super::frame_line::parse;
use super::{Codes, FrameError, FrameErrorKind, npy};

/// Longest line accepted, in bytes: 32 layers take at most 350.
const MAX_LINE: usize = 1 << 16;
/// First byte of a `.npy` file; no UTF-8 text starts with it.
const NPY_START: u8 = 0x93;
/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What arrives on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// One frame a line.
    Lines,
    /// One whole `.npy` file.
    Npy,
}

/// Reads frames of codes from a stream, such as stdin of `residue decode -`.
///
/// Two forms, told apart by the first byte:
///
/// * **Lines of text**: one frame a line, one non-negative decimal integer a layer, first layer
///   first, separated by spaces, tabs or commas, if wanted in brackets, so that a line may be a JSON
///   array: `12 7 1023`, `12,7,1023` and `[12, 7, 1023]` are the same frame. Every frame has as many
///   codes as the first. Blank lines and lines starting with `#` are skipped; lines end with LF or
///   CRLF; at the end of the input the last one needs no newline. A frame is handed out as soon as
///   its newline arrives, with nothing read ahead of what the input had ready.
/// * **A `.npy` file** as [`npy::read_from`] takes it: read whole, then handed out frame by frame.
///
/// Iterating gives frames of one code a layer and blocks until the next one arrives. After an error
/// there are no more frames.
#[derive(Debug)]
pub struct FrameReader<R> {
    reader: R,
    name: String,
    limits: Option<Limits>,
    line: u64,
    state: State,
}

/// What the model can decode.
#[derive(Clone, Copy, Debug)]
struct Limits {
    layers: usize,
    codebook_size: usize,
}

#[derive(Debug)]
enum State {
    /// Nothing has arrived yet.
    Start,
    /// Lines; codes a frame once the first is known.
    Lines(Option<usize>),
    /// An array and the next frame to hand out.
    Npy(Codes, usize),
    /// The input ended or failed.
    Done,
}

impl<R: BufRead> FrameReader<R> {
    /// Frames from `reader`; `name` stands for it in errors. Reads nothing yet.
    pub fn new(reader: R, name: &str) -> Self {
        Self { reader, name: name.to_owned(), limits: None, line: 0, state: State::Start }
    }

    /// Also refuses what a model of `layers` layers with codebooks of `codebook_size` entries cannot
    /// decode, naming the line.
    pub fn for_model(mut self, layers: usize, codebook_size: usize) -> Self {
        self.limits = Some(Limits { layers, codebook_size });
        self
    }

    /// Which form the stream has. Blocks until its first byte arrives; an empty stream counts as
    /// lines.
    ///
    /// # Errors
    /// [`FrameError`] if the input fails or is an unreadable `.npy` file.
    pub fn format(&mut self) -> Result<StreamFormat, FrameError> {
        self.start()?;
        Ok(if matches!(self.state, State::Npy(..)) {
            StreamFormat::Npy
        } else {
            StreamFormat::Lines
        })
    }

    /// Finds out the form.
    fn start(&mut self) -> Result<(), FrameError> {
        if !matches!(self.state, State::Start) {
            return Ok(());
        }
        // Should anything below fail, there is nothing more to read.
        self.state = State::Done;
        let first = loop {
            match self.reader.fill_buf() {
                Ok(bytes) => break bytes.first().copied(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.read_error(source)),
            }
        };
        self.state = match first {
            Some(NPY_START) => {
                let codes = npy::read_from(&mut self.reader, &self.name)?;
                if let Some(Limits { layers, codebook_size }) = self.limits {
                    let name = self.name.clone();
                    codes
                        .check(layers, codebook_size)
                        .map_err(|source| FrameError::Codes { name, source })?;
                }
                State::Npy(codes, 0)
            }
            _ => State::Lines(None),
        };
        Ok(())
    }

    fn next_frame(&mut self) -> Result<Option<Vec<u32>>, FrameError> {
        self.start()?;
        match &mut self.state {
            State::Npy(codes, next) if *next < codes.frames() => {
                *next += 1;
                Ok(Some(codes.frame(*next - 1)))
            }
            State::Lines(expected) => {
                let expected = *expected;
                let frame = self.next_line(expected)?;
                if let Some(frame) = &frame {
                    self.state = State::Lines(Some(frame.len()));
                }
                Ok(frame)
            }
            _ => Ok(None),
        }
    }

    /// The frame on the next line that holds one.
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
            match frame(&bytes, expected, self.limits) {
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
            self.state = State::Done;
        }
        next
    }
}

/// The frame in one line's bytes, checked; `None` if it holds none.
fn frame(
    bytes: &[u8],
    expected: Option<usize>,
    limits: Option<Limits>,
) -> Result<Option<Vec<u32>>, FrameErrorKind> {
    if bytes.len() > MAX_LINE {
        return Err(FrameErrorKind::TooLong { limit: MAX_LINE });
    }
    // A NUL is valid UTF-8, but what has one is UTF-16 or binary.
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let Some(frame) = parse(text.ok_or(FrameErrorKind::NotText)?)? else { return Ok(None) };
    let found = frame.len();
    if let Some(Limits { layers, codebook_size }) = limits {
        if found > layers {
            return Err(FrameErrorKind::TooManyLayers { found, layers });
        }
        if let Some(layer) = frame.iter().position(|value| *value as usize >= codebook_size) {
            return Err(FrameErrorKind::OutOfRange { layer, value: frame[layer], codebook_size });
        }
    }
    match expected {
        Some(expected) if found != expected => Err(FrameErrorKind::LayerCount { found, expected }),
        _ => Ok(Some(frame)),
    }
}
