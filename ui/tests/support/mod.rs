//! Scenes with synthetic data, for tests and the gallery.

// Every test uses a part of this module.
#![allow(dead_code)]

pub mod model;
pub mod scenes;
