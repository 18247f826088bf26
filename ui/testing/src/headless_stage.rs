//! An egui context without a window: takes input events, returns pictures.

use egui::{Context, Event, Key, Modifiers, Pos2, RawInput, Rect, Ui, Vec2, vec2};
use residue_ui::Theme;

use crate::Picture;
use crate::raster::{Textures, draw};

/// Duration of a frame, in seconds.
const FRAME: f64 = 1.0 / 30.0;
/// Margin around the drawn contents, in points.
const MARGIN: i8 = 8;

/// Runs frames of a user interface of fixed size.
pub struct HeadlessStage {
    ctx: Context,
    textures: Textures,
    size: Vec2,
    scale: f32,
    frames: usize,
    events: Vec<Event>,
    margin: i8,
}

impl HeadlessStage {
    /// Creates a stage of a size in points, at `scale` pixels per point.
    pub fn new(size: Vec2, scale: f32, theme: &Theme) -> Self {
        let ctx = Context::default();
        Theme::install(&ctx);
        ctx.set_theme(if theme.dark { egui::Theme::Dark } else { egui::Theme::Light });
        // Without animations, so that no picture shows one halfway.
        ctx.all_styles_mut(|style| style.animation_time = 0.0);
        let (textures, events) = Default::default();
        Self { ctx, textures, size, scale, frames: 0, events, margin: MARGIN }
    }

    /// Removes the margin, for contents that have their own, such as a whole window.
    pub fn bare(self) -> Self {
        Self { margin: 0, ..self }
    }

    /// Adds an input event to the next frame.
    pub fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Moves the pointer.
    pub fn point(&mut self, at: Pos2) {
        self.event(Event::PointerMoved(at));
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key: Key) {
        for pressed in [true, false] {
            let modifiers = Modifiers::NONE;
            self.event(Event::Key { key, physical_key: None, pressed, repeat: false, modifiers });
        }
    }

    /// Runs a frame and returns its picture.
    pub fn frame(&mut self, mut add: impl FnMut(&mut Ui)) -> Picture {
        let rect = Rect::from_min_size(Pos2::ZERO, self.size);
        let mut input = RawInput {
            screen_rect: Some(rect),
            time: Some(self.frames as f64 * FRAME),
            predicted_dt: FRAME as f32,
            focused: true,
            events: std::mem::take(&mut self.events),
            ..RawInput::default()
        };
        let viewport = input.viewports.entry(input.viewport_id).or_default();
        viewport.native_pixels_per_point = Some(self.scale);
        self.frames += 1;
        let mut output = self.ctx.run_ui(input, |ui| {
            ui.painter().rect_filled(rect, 0, Theme::of(ui).background);
            egui::Frame::NONE.inner_margin(self.margin).show(ui, |ui| add(ui));
        });
        for (id, deltas) in &output.textures_delta.set {
            for delta in deltas {
                let egui::ImageData::Color(image) = &delta.image;
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
        output.textures_delta.set.clear();
        let freed = std::mem::take(&mut output.textures_delta.free);
        let primitives = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let pixels = self.size * self.scale;
        let mut picture = Picture::new(pixels.x.round() as usize, pixels.y.round() as usize);
        draw(&mut picture, &primitives, &self.textures, self.scale);
        freed.iter().for_each(|id| drop(self.textures.remove(id)));
        picture
    }

    /// Runs three frames, after which the layout is settled, and returns the last picture.
    pub fn picture(&mut self, mut add: impl FnMut(&mut Ui)) -> Picture {
        self.frame(&mut add);
        self.frame(&mut add);
        self.frame(add)
    }
}

/// Returns the size of a scene with its margin, in points.
pub fn with_margin(width: f32, height: f32) -> Vec2 {
    vec2(width, height) + Vec2::splat(2.0 * f32::from(MARGIN))
}
