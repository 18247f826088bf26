//! The CLAP and VST3 plugin: parameters, state and process() around the engine's
//! [live path](residue_engine::live).
//!
//! ```text
//! host -> Residue -> Session: input gain -> AudioPort -> output gain -> bypass crossfade -> host
//!            |          settings read from Params before every piece of a block
//!            +- Instance: Params, ModelSlot (wanted model, loading thread, Control of the port)
//! ```
//!
//! The audio thread owns the `Session` and touches of the rest only atomics. The [`editor`] holds an
//! [`Instance`]: parameters, the model and its state, the port's telemetry.

mod bypass;
mod depth;
pub mod editor;
mod gain;
mod guards;
mod instance;
mod model;
mod pace;
mod params;
mod plugin;
mod presets;
mod session;
mod settings;
mod state;
mod text;

pub use depth::Scale;
pub use instance::Instance;
pub use model::{
    Fetch, ModelChoice, ModelSlot, ModelStatus, OpenLibrary, Phase, SharedModel, Shelf, ShelfModel,
    WantedPrecision,
};
pub use params::{Fill, Listen, Mono, MutedLayers, ResidueParams, WhenLate};
pub use plugin::Residue;
pub use presets::{PRESETS, Preset};

nice_plug::nice_export_clap!(Residue);
nice_plug::nice_export_vst3!(Residue);
