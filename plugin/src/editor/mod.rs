//! The editor: one panel over an [`Instance`](crate::Instance), drawn with what `residue-ui` holds.
//!
//! ```text
//! host -> window (opens, closes, sizes) -> app (the window's thread) -> Panel::show, 30 times a second
//!                                                                        |
//!    Watch: reads the port's status, lanes and codes, once a frame  -----+--- header, notice, compare,
//!    Link:  reads parameters, changes them with gestures            -----+    views, sections, status,
//!    Shelf: models on this computer, downloads                      -----+    model dialog
//! ```
//!
//! Nothing is kept or computed while it is closed, and it polls what it shows: notifications may be lost
//! (see `guards`). Without running audio it looks a few times a second whether anything has changed.

mod app;
mod compare;
mod controls;
mod header;
mod keys;
mod link;
mod model_dialog;
mod notice;
mod panel;
mod presets;
mod saved;
mod sections;
mod status;
mod turn;
mod views;
mod watch;
mod window;

pub use panel::Panel;
pub use saved::{EditorLook, MIN_SIZE, SavedEditor};
pub use watch::{Facts, Live};
pub use window::{Handle, ResidueEditor, Window};
