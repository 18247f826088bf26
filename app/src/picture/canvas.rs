//! Pixels, and PNG files of them.

use std::fs;
use std::path::Path;

use super::PictureError;
use super::colour::Colour;

/// A rectangle in pixels; right and bottom are outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

/// A finished picture, 8 bits a colour, opaque.
#[derive(Clone)]
pub struct Picture {
    width: usize,
    height: usize,
    /// Row after row, red, green, blue.
    pixels: Vec<u8>,
    /// Where text was set, so that tests can see that nothing overlaps.
    texts: Vec<Area>,
}

impl Picture {
    /// A picture of one colour.
    pub(super) fn new(width: usize, height: usize, colour: Colour) -> Self {
        Self { width, height, pixels: colour.repeat(width * height), texts: Vec::new() }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[cfg(test)]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels: rows from the top, each pixel as red, green, blue.
    #[cfg(test)]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    ///
    /// [`PictureError::Encode`], which no picture of this module causes.
    pub fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        let failed = |error: png::EncodingError| PictureError::Encode { reason: error.to_string() };
        let too_large = |_| PictureError::Encode { reason: "it is too large".into() };
        let width = u32::try_from(self.width).map_err(too_large)?;
        let height = u32::try_from(self.height).map_err(too_large)?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }

    /// Writes the picture as a PNG file, under a temporary name first, so that `path` never holds
    /// half of one.
    ///
    /// # Errors
    ///
    /// [`PictureError::Write`] with the path; the temporary file is removed.
    pub fn save(&self, path: &Path) -> Result<(), PictureError> {
        let bytes = self.to_png()?;
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let result = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
        if result.is_err() {
            // The first failure is the one to report.
            let _ = fs::remove_file(&temporary);
        }
        result.map_err(|source| PictureError::Write { path: path.to_owned(), source })
    }

    /// Where text was set.
    #[cfg(test)]
    pub(super) fn texts(&self) -> &[Area] {
        &self.texts
    }

    pub(super) fn note_text(&mut self, area: Area) {
        self.texts.push(area);
    }

    /// Sets a pixel; outside the picture, nothing.
    pub(super) fn set(&mut self, x: usize, y: usize, colour: Colour) {
        if x < self.width && y < self.height {
            let start = (y * self.width + x) * 3;
            self.pixels[start..start + 3].copy_from_slice(&colour);
        }
    }

    /// Mixes `colour` over a pixel, `opacity` of it (0..=1); outside the picture, nothing.
    pub(super) fn blend(&mut self, x: i64, y: i64, colour: Colour, opacity: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width || y >= self.height {
            return;
        }
        let start = (y * self.width + x) * 3;
        let opacity = opacity.clamp(0.0, 1.0);
        for (below, above) in self.pixels[start..start + 3].iter_mut().zip(colour) {
            // Mixed in linear light, where the edges of light text on dark keep their weight.
            let mixed = linear(*below) + (linear(above) - linear(*below)) * opacity;
            *below = (mixed.sqrt() * 255.0).round() as u8;
        }
    }

    /// Blends a filled rectangle.
    pub(super) fn fill(
        &mut self,
        left: usize,
        top: usize,
        width: usize,
        height: usize,
        colour: Colour,
        opacity: f32,
    ) {
        for y in top..top + height {
            for x in left..left + width {
                self.blend(x as i64, y as i64, colour, opacity);
            }
        }
    }
}

/// Light of an sRGB value, near enough for mixing.
fn linear(value: u8) -> f32 {
    (f32::from(value) / 255.0).powi(2)
}
