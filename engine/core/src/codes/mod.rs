//! Arrays of codes, and checks of them against a model.

mod array;
mod check;
mod error;

pub use array::Codes;
pub use error::CodesError;
