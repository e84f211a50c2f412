//! The properties: each a function that checks one.

pub mod attributes;
pub mod documents;
pub mod hostile;
mod random;
pub mod records;
pub mod scalars;
pub mod shapes;
pub mod text;
