//! Widgets and views that the plugin's editor and the desktop app share.
//!
//! Everything is drawn with egui from plain state that the caller keeps; nothing here knows of a
//! plugin API, a sound card or a window.
//!
//! | want | use |
//! |---|---|
//! | colours, type and spacing, dark and light | [`Theme`], [`theme`] |
//! | a knob for depth, gain or mix | [`Knob`] over a [`KnobScale`] |
//! | the choice of what is heard, and its keys | [`source_strip()`], [`source_strip::shortcut`] |
//! | peak meters | [`LevelMeters`] |
//! | a file's waveform, where it plays and what repeats | [`waveform()`] |
//! | load, late frames and the like | [`load()`] with a [`LoadHistory`] |
//! | where the latency goes | [`latency()`] |
//! | spectrograms of dry, A, B and a difference | [`LiveSpectrogram`] |
//! | the scales and colors of a spectrogram drawn elsewhere | [`frequency_scale`], [`level_scale`], [`time_axis`], [`ColorMap`] |
//! | the codes, layer by layer | [`TokenMap`] |
//! | what the codes carry | [`CodebookStats`] |
//! | how far A and B are from dry | [`DistanceView`] |
//! | the data for all of these | [`TelemetryFeed`] |
//!
//! A frame of a window goes like this; what is not visible is not wanted, and then neither the
//! engine nor the views work for it:
//!
//! ```no_run
//! use residue_engine::live::Control;
//! use residue_ui::{FRAME, Feed, Meters, Spectrogram, SpectrogramOptions, Wanted};
//!
//! # struct Window { feed: Feed, meters: Meters, spectrogram: Spectrogram, seconds: f32 }
//! fn frame(window: &mut Window, control: &Control, ui: &mut egui::Ui) {
//!     window.feed.update(control, Wanted { lanes: true, codes: false });
//!     window.spectrogram.update(&window.feed);
//!     window.meters.update(&control.status().peaks, window.seconds);
//!     window.meters.show(ui, 2, 200.0);
//!     window.spectrogram.show(ui, &SpectrogramOptions::default());
//!     ui.ctx().request_repaint_after(FRAME);
//! }
//! ```
//!
//! Everything that can be changed can be changed with the keyboard, and everything has a name and,
//! where it has one, a value for screen readers.

mod codebook_view;
mod color;
mod color_map;
mod distance;
pub mod keys;
mod knob;
pub mod knob_scale;
mod load;
mod meters;
mod ring_texture;
pub mod source_strip;
mod spectrogram;
mod telemetry_feed;
pub mod text;
pub mod theme;
mod time_axis;
mod token_map;
mod waveform;

pub use codebook_view::CodebookStats;
pub use color_map::ColorMap;
pub use distance::DistanceView;
pub use knob::Knob;
pub use knob_scale::KnobScale;
pub use load::{LatencyPart, LoadHistory, latency, latency_parts, load};
pub use meters::{LevelMeter, LevelMeters};
pub use source_strip::source_strip;
pub use spectrogram::{
    DifferenceLane, FrequencyAxis, LiveSpectrogram, SpectrogramOptions, SpectrogramReading,
    frequency_grid, frequency_scale, level_scale,
};
pub use telemetry_feed::{FRAME, FrameWindow, TelemetryFeed, TelemetryLoss, TelemetryRequest};
pub use theme::{Lane, Theme};
pub use time_axis::{time_axis, time_grid};
pub use token_map::{TokenAction, TokenMap, TokenMapOptions, TokenMapOutput, TokenReading};
pub use waveform::{Timeline, WaveformAction, clock, waveform};
