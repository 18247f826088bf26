//! Residue.

#[allow(dead_code, unused_imports, reason = "drawn by `residue compare`, which is not there yet")]
mod picture;

fn main() {}
