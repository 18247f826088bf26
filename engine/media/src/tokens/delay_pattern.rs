//! The delay pattern in which speech models emit codes: layer k of a frame comes k rows after its first layer.
//!
//! Source: the delay pattern of MusicGen (Copet et al., "Simple and Controllable Music Generation", 2023), as
//! MOSS-TTS and MOSS-TTSD emit it. Where a row has no code yet, or none any more, it holds a padding code outside the
//! codebook.

use std::collections::VecDeque;

use super::{Codes, FrameError, FrameErrorKind};

/// Aligns the layers of rows in the delay pattern: frames of one code a layer, each as soon as its last layer is here.
///
/// T frames of K layers come in T + K - 1 rows. Frames that hold nothing but padding are left out: models
/// emit such rows between and after segments.
#[derive(Debug)]
pub struct DelayedFrames<I> {
    rows: I,
    name: String,
    layers: usize,
    codebook_size: usize,
    padding: u32,
    /// The last rows, as many as a frame has layers.
    window: VecDeque<Vec<u32>>,
    /// Frames aligned so far.
    frame: u64,
    is_done: bool,
}

impl<I: Iterator<Item = Result<Vec<u32>, FrameError>>> DelayedFrames<I> {
    /// Aligns `rows` for a model of `layers` layers with codebooks of `codebook_size` entries; `name` stands for their
    /// origin in errors. Every row has as many codes as the first.
    pub fn new(rows: I, name: &str, layers: usize, codebook_size: usize, padding: u32) -> Self {
        let (name, window) = (name.to_owned(), VecDeque::new());
        Self { rows, name, layers, codebook_size, padding, window, frame: 0, is_done: false }
    }

    fn next_frame(&mut self) -> Result<Option<Vec<u32>>, FrameError> {
        loop {
            let Some(row) = self.rows.next().transpose()? else { return Ok(None) };
            let width = row.len();
            if width > self.layers {
                let layers = self.layers;
                return Err(self.error(FrameErrorKind::TooManyLayers { found: width, layers }));
            }
            self.window.push_back(row);
            if self.window.len() < width {
                continue;
            }
            let rows = self.window.iter().enumerate();
            let frame: Vec<u32> = rows.filter_map(|(k, row)| row.get(k).copied()).collect();
            self.window.pop_front();
            self.frame += 1;
            let padded = frame.iter().filter(|code| **code == self.padding).count();
            if padded == frame.len() {
                continue;
            }
            let is_bad = |code: &u32| *code as usize >= self.codebook_size;
            if let Some(layer) = frame.iter().position(is_bad) {
                let (value, padding) = (frame[layer], self.padding);
                let codebook_size = self.codebook_size;
                return Err(self.error(match value == padding {
                    true => FrameErrorKind::PartlyPadded { layer, padding },
                    false => FrameErrorKind::OutOfRange { layer, value, codebook_size },
                }));
            }
            return Ok(Some(frame));
        }
    }

    fn error(&self, problem: FrameErrorKind) -> FrameError {
        FrameError::Frame { name: self.name.clone(), frame: self.frame, problem }
    }
}

impl<I: Iterator<Item = Result<Vec<u32>, FrameError>>> Iterator for DelayedFrames<I> {
    type Item = Result<Vec<u32>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.next_frame().transpose();
        self.is_done = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Aligns an array in the delay pattern, (layers, rows): see [`DelayedFrames`].
///
/// # Errors
/// As the iterator's.
pub fn undelayed(
    codes: &Codes,
    name: &str,
    layers: usize,
    codebook_size: usize,
    padding: u32,
) -> Result<Codes, FrameError> {
    let rows = (0..codes.frames()).map(|row| Ok(codes.frame(row)));
    let frames: Vec<Vec<u32>> =
        DelayedFrames::new(rows, name, layers, codebook_size, padding).collect::<Result<_, _>>()?;
    let data = (0..codes.layers()).flat_map(|k| frames.iter().map(move |frame| frame[k])).collect();
    Ok(Codes::new(codes.layers(), frames.len(), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAD: u32 = 1024;

    fn codes(layers: usize, frames: usize) -> Codes {
        Codes::new(layers, frames, (0..(layers * frames) as u32).map(|i| i * 37 % 1024).collect())
    }

    /// Lays codes out as a model emits them.
    fn delayed(codes: &Codes) -> Vec<Vec<u32>> {
        let (layers, frames) = (codes.layers(), codes.frames());
        let code = |row: usize, k: usize| match row.checked_sub(k).filter(|t| *t < frames) {
            Some(t) => codes.get(k, t),
            None => PAD,
        };
        (0..frames + layers - 1).map(|row| (0..layers).map(|k| code(row, k)).collect()).collect()
    }

    fn frames(rows: &[Vec<u32>]) -> Vec<Result<Vec<u32>, String>> {
        let rows = rows.iter().map(|row| Ok(row.clone()));
        let frames = DelayedFrames::new(rows, "stdin", 8, 1024, PAD);
        frames.map(|frame| frame.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn layers_are_aligned() {
        for (layers, count) in [(1, 1), (1, 5), (4, 1), (4, 9), (8, 30)] {
            let codes = codes(layers, count);
            let expected: Vec<_> = (0..count).map(|t| Ok(codes.frame(t))).collect();
            assert_eq!(frames(&delayed(&codes)), expected, "{layers} x {count}");
            let array = Codes::from_frames(&delayed(&codes)).unwrap();
            assert_eq!(undelayed(&array, "x", 8, 1024, PAD).unwrap(), codes);
        }
    }

    #[test]
    fn a_frame_is_there_with_its_last_layer_and_segments_may_follow_each_other() {
        let codes = codes(4, 6);
        let rows = delayed(&codes);
        assert_eq!(frames(&rows[..3]), []);
        assert_eq!(frames(&rows[..4]), [Ok(codes.frame(0))]);
        let padding = vec![vec![PAD; 4]; 7];
        let twice = [rows.clone(), padding, rows].concat();
        assert_eq!(frames(&twice).len(), 12);
        assert_eq!(frames(&twice)[6], Ok(codes.frame(0)));
    }

    #[test]
    fn what_is_not_delayed_is_named() {
        let codes = codes(4, 6);
        let mut rows = delayed(&codes);
        rows[3][2] = PAD;
        assert_eq!(
            frames(&rows)[1],
            Err("stdin: frame 2: layer 2 holds the padding code 1024 and other layers do not: send rows in which layer k comes k rows after layer 0".into())
        );
        rows[3][2] = 1025;
        assert_eq!(
            frames(&rows)[1],
            Err("stdin: frame 2: layer 2: code 1025 is outside 0..=1023: send the codes of this model".into())
        );
        assert_eq!(
            frames(&[vec![0; 9]]),
            [Err("stdin: frame 0: 9 codes and the model has 8 layers: send the first 8, or decode with the model that made them".into())]
        );
    }
}
