//! Writing of `.npy` files as frames arrive.

use std::io::{self, Seek, SeekFrom, Write};

use super::npy_header::{NpyHeader, NpyOrder};

/// Writes codes frame by frame: the array has the shape (K, T) in Fortran order, so that a frame's codes stand
/// together in the file. [`update`](Self::update) makes the header state the frames that are there. Not
/// realtime-safe.
#[derive(Debug)]
pub struct NpyAppender<W> {
    writer: W,
    layers: usize,
    frames: usize,
}

impl<W: Write + Seek> NpyAppender<W> {
    /// Starts an array of `layers` layers at the beginning of `writer`.
    ///
    /// # Errors
    /// The writer's error.
    pub fn new(mut writer: W, layers: usize) -> io::Result<Self> {
        writer.write_all(&NpyHeader::for_codes(layers, 0, NpyOrder::Fortran))?;
        Ok(Self { writer, layers, frames: 0 })
    }

    /// Returns the number of codes of a frame.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Appends one frame, first layer first.
    ///
    /// # Errors
    /// The writer's error.
    ///
    /// # Panics
    /// If the frame has another number of codes than the array has layers.
    pub fn push(&mut self, frame: &[u32]) -> io::Result<()> {
        assert_eq!(frame.len(), self.layers, "a frame has one code a layer");
        for code in frame {
            self.writer.write_all(&i64::from(*code).to_le_bytes())?;
        }
        self.frames += 1;
        Ok(())
    }

    /// Makes the header state the frames written, so that the file is whole so far, and flushes it.
    ///
    /// # Errors
    /// The writer's error.
    pub fn update(&mut self) -> io::Result<()> {
        self.writer.rewind()?;
        let header = NpyHeader::for_codes(self.layers, self.frames, NpyOrder::Fortran);
        self.writer.write_all(&header)?;
        self.writer.seek(SeekFrom::End(0))?;
        self.writer.flush()
    }
}
