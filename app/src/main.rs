//! Residue.
fn main() {}
