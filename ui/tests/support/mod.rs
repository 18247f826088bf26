//! What tests and the gallery show: scenes with made-up data.

// Every test uses a part of it.
#![allow(dead_code)]

pub mod model;
pub mod scenes;
