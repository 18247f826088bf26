//! The editor: one panel over an [`Instance`](crate::Instance), drawn with the widgets of `residue-ui`.
//!
//! ```text
//! host -> window (opens, closes, resizes) -> app (on the window's thread) -> Panel::show, 30 times a second
//!                                                                             |
//!    PortObserver: reads the port's status, lanes and codes, once a frame ----+--- header, notice, compare,
//!    HostParams:   reads parameters, changes them with gestures           ----+    views, sections, status,
//!    ModelCatalog: models on this computer, downloads                     ----+    model dialog
//! ```
//!
//! Nothing is kept or computed while the editor is closed. It polls what it shows, because notifications
//! may be lost (see `workarounds`); without running audio it checks for changes a few times a second.
//!
//! # Dependencies between modules
//! The panel draws the sections, and they know nothing of it: what they share is the
//! `EditorContext` (state) and `layout` (geometry).
//!
//! ```text
//! window -> app -> panel -> header, notice, compare, views, sections, status, keys, model_dialog
//! those sections -> context, layout, controls, param_knob, preset_menu, model_text, port_observer
//! context, controls, param_knob, preset_menu -> host_params
//! ```

mod app;
mod compare;
mod context;
mod controls;
mod header;
mod host_params;
mod keys;
mod layout;
mod model_dialog;
mod model_text;
mod notice;
mod panel;
mod param_knob;
mod port_observer;
mod preset_menu;
mod sections;
mod status;
mod views;
mod window;

pub use panel::Panel;
pub use port_observer::{PortSnapshot, RunningModelSummary};
pub use window::{EditorWindow, ResidueEditor, WindowHandle};
