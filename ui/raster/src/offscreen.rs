//! A context without a window: input goes in, images come out.

use egui::{
    Color32, ColorImage, Context, ImageData, Pos2, RawInput, Rect, TexturesDelta, Ui, Vec2,
};

use crate::triangles::{Textures, draw};

/// An egui context that draws frames of a fixed size into images.
pub struct Offscreen {
    ctx: Context,
    textures: Textures,
    size: Vec2,
    scale: f32,
}

impl Offscreen {
    /// A context of `size` points at `scale` pixels a point.
    pub fn new(size: Vec2, scale: f32) -> Self {
        let (ctx, textures) = Default::default();
        Self { ctx, textures, size, scale }
    }

    /// The context, for styles and themes.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// Runs one frame over the whole size and draws it on opaque black.
    ///
    /// The size and the pixels a point of `input` are replaced by those of this context.
    ///
    /// # Panics
    /// If the frame holds a paint callback: those draw by themselves, on a GPU.
    pub fn frame(&mut self, mut input: RawInput, add: impl FnMut(&mut Ui)) -> ColorImage {
        input.screen_rect = Some(Rect::from_min_size(Pos2::ZERO, self.size));
        let viewport = input.viewports.entry(input.viewport_id).or_default();
        viewport.native_pixels_per_point = Some(self.scale);
        let mut output = self.ctx.run_ui(input, add);
        self.upload(&mut output.textures_delta);
        let primitives = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let pixels = self.size * self.scale;
        let size = [pixels.x.round() as usize, pixels.y.round() as usize];
        let mut image = ColorImage::filled(size, Color32::BLACK);
        draw(&mut image, &primitives, &self.textures, self.scale);
        for id in std::mem::take(&mut output.textures_delta.free) {
            self.textures.remove(&id);
        }
        image
    }

    /// Takes over the textures, and parts of textures, that a frame has set.
    fn upload(&mut self, delta: &mut TexturesDelta) {
        for (id, deltas) in &delta.set {
            for delta in deltas {
                let ImageData::Color(image) = &delta.image;
                let Some([left, top]) = delta.pos else {
                    self.textures.insert(*id, ((**image).clone(), delta.options));
                    continue;
                };
                let (whole, _) = self.textures.get_mut(id).expect("a whole before its parts");
                for (y, row) in image.pixels.chunks_exact(image.size[0]).enumerate() {
                    let at = (top + y) * whole.size[0] + left;
                    whole.pixels[at..at + row.len()].copy_from_slice(row);
                }
            }
        }
        delta.set.clear();
    }
}

#[cfg(test)]
mod tests {
    use egui::{TextureOptions, vec2};

    use super::*;

    #[test]
    fn textures_are_drawn_pixel_by_pixel_and_outlive_their_frame() {
        let mut offscreen = Offscreen::new(vec2(4.0, 3.0), 2.0);
        let pixels = (0..48).map(|n| Color32::from_rgb(5 * n, 255 - 5 * n, n)).collect();
        let image = ColorImage::new([8, 6], pixels);
        let texture = offscreen.context().load_texture("t", image.clone(), TextureOptions::NEAREST);
        let uv = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
        for _ in 0..2 {
            let drawn = offscreen.frame(RawInput::default(), |ui| {
                ui.painter().image(texture.id(), ui.max_rect(), uv, Color32::WHITE);
            });
            assert_eq!(drawn.pixels, image.pixels);
        }
    }

    #[test]
    fn text_appears_in_the_first_frame() {
        let mut offscreen = Offscreen::new(vec2(60.0, 20.0), 1.0);
        let drawn = offscreen.frame(RawInput::default(), |ui| drop(ui.label("Ag")));
        let lit = drawn.pixels.iter().filter(|pixel| pixel.r() > 100).count();
        assert!((20..400).contains(&lit), "{lit} pixels");
    }
}
