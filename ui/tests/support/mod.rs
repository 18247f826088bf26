//! What tests and the gallery draw with: a stage without a window, and scenes with made-up data.

// Every test uses a part of it.
#![allow(dead_code)]

pub mod model;
pub mod picture;
pub mod raster;
pub mod scenes;
pub mod signals;
pub mod stage;
