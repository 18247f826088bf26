//! Project tasks that are not plain cargo.
fn main() {}
