//! The editor under mouse and keys, and its pictures, without a host, a window or a GPU.

mod downloads;
mod harness;
mod models;
mod mouse_and_keys;
mod pictures;
mod synthetic_voice;
