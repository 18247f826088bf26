//! Widgets and views that the plugin's editor and the desktop app share.
//!
//! Everything is drawn with egui from plain state that the caller keeps; nothing here depends on a plugin
//! API, a sound device or a window.
//!
//! | for | use |
//! |---|---|
//! | colors, fonts and spacing, dark and light | [`Theme`], [`theme`] |
//! | a knob for depth, gain or mix | [`Knob`] over a [`KnobScale`] |
//! | depths as text: bitrates and layers | [`depth_text`] |
//! | the choice of the listening source, and its keys | [`source_strip()`], [`source_strip::shortcut`] |
//! | peak meters | [`LevelMeters`] |
//! | a file's waveform, with playback position and loop | [`waveform()`] |
//! | load, late frames and lost audio | [`load()`] with a [`LoadHistory`] |
//! | the parts of the latency | [`latency()`] |
//! | spectrograms of dry, A, B and a difference | [`LiveSpectrogram`] |
//! | the scales and colors of a spectrogram drawn elsewhere | [`frequency_scale`], [`level_scale`], [`time_axis`], [`ColorMap`] |
//! | the codes, layer by layer | [`TokenMap`] |
//! | use and entropy of the codebooks | [`CodebookStats`] |
//! | mel distances of A and B from dry | [`DistanceView`] |
//! | the telemetry for all of these | [`TelemetryFeed`] |
//!
//! A window draws a frame like this. Telemetry of what is not visible should not be requested: then
//! neither the engine nor the views work for it.
//!
//! ```no_run
//! use residue_engine::live::PortControl;
//! use residue_ui::{
//!     FRAME, LevelMeters, LiveSpectrogram, SpectrogramOptions, TelemetryFeed, TelemetryRequest,
//! };
//!
//! # struct Window {
//! #     feed: TelemetryFeed,
//! #     meters: LevelMeters,
//! #     spectrogram: LiveSpectrogram,
//! #     seconds: f32,
//! # }
//! fn frame(window: &mut Window, control: &PortControl, ui: &mut egui::Ui) {
//!     window.feed.update(control, TelemetryRequest { lanes: true, codes: false });
//!     window.spectrogram.update(&window.feed);
//!     window.meters.update(&control.status().peaks, window.seconds);
//!     window.meters.show(ui, 2, 200.0);
//!     window.spectrogram.show(ui, &SpectrogramOptions::default());
//!     ui.ctx().request_repaint_after(FRAME);
//! }
//! ```
//!
//! Every control works with the keyboard, and has a name and, where it has one, a value for screen
//! readers.

mod codebook_view;
mod color;
mod color_map;
pub mod depth_text;
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
