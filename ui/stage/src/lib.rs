//! Draws user interfaces without a window or a GPU, the same on every machine, and compares what they
//! look like with stored pictures. For tests and examples only: mistakes panic.
//!
//! ```no_run
//! use residue_stage::{Stage, compare};
//! use residue_ui::Theme;
//!
//! let mut stage = Stage::new(egui::vec2(200.0, 100.0), 1.0, &Theme::DARK);
//! stage.press(egui::Key::Tab);
//! let picture = stage.picture(|ui| drop(ui.button("Play")));
//! compare(&picture, "tests/pictures/button-dark.png".as_ref()).expect("it looks as it did");
//! ```

mod compare;
mod picture;
mod raster;
pub mod signals;
mod stage;

pub use compare::{UPDATE, compare, difference};
pub use picture::Picture;
pub use stage::{Stage, with_margin};
