//! Draws egui frames into images on the CPU: no window, no GPU, and the same pixels on every machine.
//!
//! ```
//! use egui::{Color32, RawInput, vec2};
//! use residue_raster::Offscreen;
//!
//! let mut offscreen = Offscreen::new(vec2(40.0, 20.0), 2.0);
//! let image = offscreen.frame(RawInput::default(), |ui| {
//!     ui.painter().rect_filled(ui.max_rect(), 0, Color32::RED);
//! });
//! assert_eq!(image.size, [80, 40]);
//! assert_eq!(image[(40, 20)], Color32::RED);
//! ```

mod offscreen;
mod triangles;

pub use offscreen::Offscreen;
