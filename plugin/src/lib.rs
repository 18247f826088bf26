//! The CLAP and VST3 plugin.
//!
//! This crate is still empty: it fills once the engine has its realtime port.
