//! What a person does to the editor and what it looks like, without a host, a window or a GPU.

mod fetching;
mod gui;
mod hands;
mod models;
mod pictures;
mod voice;
