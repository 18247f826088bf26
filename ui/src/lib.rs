//! Widgets and views shared by the plugin and the app.
//!
//! This crate is still empty: it fills with the first window that needs it.
