//! The CLAP and VST3 plugin: parameters, saved state and `process()` around the engine's
//! [live path](residue_engine::live).
//!
//! ```text
//! host -> Residue -> Session: input gain -> AudioPort -> output gain -> bypass crossfade -> host
//!            |          port settings are read from ResidueParams before every block
//!            +- Instance: ResidueParams, InstanceModel (requested model, loading thread, PortControl)
//! ```
//!
//! The audio thread owns the `Session` and shares only atomics with other threads. The [`editor`] holds
//! an [`Instance`]: parameters, the model and its status, the port's telemetry.
//!
//! # Dependencies between modules
//! Arrows point from the module that uses another to the one that is used; there are no others.
//!
//! ```text
//! plugin -> session -> bypass, gain, render_detection, port_settings
//!        -> state, editor, workarounds
//!
//! session, state, editor -> instance -> params -> model -> layer_bitrate -> text
//! port_settings, presets -> params
//! presets -> layer_bitrate
//! plugin -> saved_params -> params -> newer_state
//! state -> newer_state
//! editor -> presets, port_settings, workarounds
//! ```
//!
//! `params` names the instance's model because the choice of a model is a field of the saved state; the model
//! knows nothing of parameters, and parameters nothing of the editor that shows them.

mod bypass;
pub mod editor;
mod gain;
mod instance;
mod layer_bitrate;
mod model;
mod newer_state;
mod params;
mod plugin;
mod port_settings;
mod presets;
mod render_detection;
mod saved_params;
mod session;
mod state;
mod text;
mod workarounds;

pub use instance::Instance;
pub use layer_bitrate::LayerBitrate;
pub use model::{InstanceModel, ModelChoice, ModelPhase, ModelStatus, SavedPrecision, SharedModel};
pub use newer_state::HeldNewerState;
pub use params::{
    EditorAppearance, LateFrameFill, ListenTo, LostFrameFill, MutedLayers, ResidueParams,
    SavedAppearance, StereoInMono,
};
pub use plugin::Residue;
pub use presets::{PRESETS, Preset, PresetDepth};
pub use saved_params::SavedParams;

nice_plug::nice_export_clap!(Residue);
nice_plug::nice_export_vst3!(Residue);
