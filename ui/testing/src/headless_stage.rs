//! An egui context without a window: takes input events, returns pictures.

use egui::{Event, Key, Modifiers, Pos2, RawInput, Rect, Ui, Vec2, vec2};
use residue_raster::Offscreen;
use residue_ui::Theme;

use crate::Picture;

/// Duration of a frame, in seconds.
const FRAME: f64 = 1.0 / 30.0;
/// Margin around the drawn contents, in points.
const MARGIN: i8 = 8;

/// Runs frames of a user interface of fixed size.
pub struct HeadlessStage {
    offscreen: Offscreen,
    size: Vec2,
    frames: usize,
    events: Vec<Event>,
    margin: i8,
}

impl HeadlessStage {
    /// Creates a stage of a size in points, at `scale` pixels per point.
    pub fn new(size: Vec2, scale: f32, theme: &Theme) -> Self {
        let offscreen = Offscreen::new(size, scale);
        let ctx = offscreen.context();
        Theme::install(ctx);
        ctx.set_theme(if theme.dark { egui::Theme::Dark } else { egui::Theme::Light });
        // Without animations, so that no picture shows one halfway.
        ctx.all_styles_mut(|style| style.animation_time = 0.0);
        Self { offscreen, size, frames: 0, events: Vec::new(), margin: MARGIN }
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
        let input = RawInput {
            time: Some(self.frames as f64 * FRAME),
            predicted_dt: FRAME as f32,
            focused: true,
            events: std::mem::take(&mut self.events),
            ..RawInput::default()
        };
        self.frames += 1;
        let rect = Rect::from_min_size(Pos2::ZERO, self.size);
        let image = self.offscreen.frame(input, |ui| {
            ui.painter().rect_filled(rect, 0, Theme::of(ui).background);
            egui::Frame::NONE.inner_margin(self.margin).show(ui, |ui| add(ui));
        });
        Picture::from(&image)
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
