//! Pictures as PNG files.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::Path;

use egui::ColorImage;

/// Opaque sRGB pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row from the top, three bytes a pixel.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// All black.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![0; 3 * width * height] }
    }

    /// The color of a pixel.
    pub fn get(&self, x: usize, y: usize) -> [u8; 3] {
        let at = 3 * (y * self.width + x);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// Sets the color of a pixel.
    pub fn set(&mut self, x: usize, y: usize, color: [u8; 3]) {
        let at = 3 * (y * self.width + x);
        self.rgb[at..at + 3].copy_from_slice(&color);
    }

    /// Writes a PNG file, as small as can be, and the folders it lies in.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, path: &Path) {
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        let file = File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (width, height) = (self.width as u32, self.height as u32);
        let mut encoder = png::Encoder::new(BufWriter::new(file), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::Adaptive);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&self.rgb).expect("pixels");
        writer.finish().expect("an end");
    }

    /// Reads what [`Self::write`] wrote; `None` if it is not there.
    ///
    /// # Panics
    /// If it is something else.
    pub fn read(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let mut reader = png::Decoder::new(BufReader::new(file)).read_info().expect("a PNG file");
        let mut rgb = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut rgb).expect("pixels");
        assert_eq!(info.color_type, png::ColorType::Rgb, "{}", path.display());
        Some(Self { width: info.width as usize, height: info.height as usize, rgb })
    }
}

impl From<&ColorImage> for Picture {
    /// The picture of an opaque image.
    fn from(image: &ColorImage) -> Self {
        let rgb = image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
        Self { width: image.size[0], height: image.size[1], rgb }
    }
}
