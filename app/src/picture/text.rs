//! Setting text with the fonts that egui brings along.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use epaint_default_fonts::{HACK_REGULAR, UBUNTU_LIGHT};

use super::PictureError;
use super::canvas::{Area, Picture};
use super::colour::Colour;

/// Where text lies relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Starts there.
    Left,
    /// Is centred there.
    Centre,
    /// Ends there.
    Right,
}

/// Typeface, size and colour.
#[derive(Clone, Copy)]
pub(super) struct Style<'a> {
    /// Typeface.
    pub font: &'a FontRef<'static>,
    /// Height of a line (ascender to descender) in pixels.
    pub size: f32,
    /// Colour.
    pub colour: Colour,
}

/// The typefaces of a picture.
pub(super) struct Fonts {
    /// For words.
    pub words: FontRef<'static>,
    /// For numbers: all digits are as wide as each other, so columns line up.
    pub numbers: FontRef<'static>,
}

impl Fonts {
    /// Parses the built-in fonts.
    pub(super) fn load() -> Result<Self, PictureError> {
        let parse =
            |name, bytes| FontRef::try_from_slice(bytes).map_err(|_| PictureError::Font { name });
        Ok(Self {
            words: parse("Ubuntu Light", UBUNTU_LIGHT)?,
            numbers: parse("Hack", HACK_REGULAR)?,
        })
    }
}

impl Style<'_> {
    /// Width of `text` in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        let font = self.font.as_scaled(PxScale::from(self.size));
        let mut width = 0.0;
        let mut previous = None;
        for id in text.chars().map(|character| font.glyph_id(character)) {
            width += font.h_advance(id) + previous.map_or(0.0, |last| font.kern(last, id));
            previous = Some(id);
        }
        width
    }

    /// `text`, or as much of its start as fits in `width` pixels with an ellipsis.
    pub(super) fn shorten(&self, text: &str, width: f32) -> String {
        // Line breaks and tabs in a file's name would be drawn as boxes.
        let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if self.width(&text) <= width {
            return text;
        }
        while text.pop().is_some() {
            let shortened = format!("{}…", text.trim_end());
            if self.width(&shortened) <= width {
                return shortened;
            }
        }
        text
    }

    /// Draws `text` with its baseline at `y`; nothing of an empty text.
    pub(super) fn draw(&self, picture: &mut Picture, text: &str, x: f32, y: f32, align: Align) {
        if text.is_empty() {
            return;
        }
        let width = self.width(text);
        let start = match align {
            Align::Left => x,
            Align::Centre => x - width / 2.0,
            Align::Right => x - width,
        };
        let font = self.font.as_scaled(PxScale::from(self.size));
        picture.note_text(Area {
            left: start,
            top: y - font.ascent(),
            right: start + width,
            bottom: y - font.descent(),
        });
        let mut pen = start;
        let mut previous = None;
        for character in text.chars() {
            let id = font.glyph_id(character);
            pen += previous.map_or(0.0, |last| font.kern(last, id));
            let glyph = id.with_scale_and_position(self.size, point(pen, y));
            if let Some(outline) = self.font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|dx, dy, coverage| {
                    let (x, y) =
                        (bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy));
                    picture.blend(x, y, self.colour, coverage);
                });
            }
            pen += font.h_advance(id);
            previous = Some(id);
        }
    }

    /// How far below the middle of the digits the baseline is.
    pub(super) fn half_height(&self) -> f32 {
        let font = self.font.as_scaled(PxScale::from(self.size));
        // Digits stand about three quarters of the ascender high.
        font.ascent() * 0.375
    }
}
