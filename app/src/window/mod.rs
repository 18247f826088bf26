//! What is seen.

pub mod blind_page;
