//! JSON and what only looks like it.

mod accepted;
mod decided;
mod refused;

pub(crate) use self::accepted::ACCEPTED;
pub(crate) use self::decided::DECIDED;
pub(crate) use self::refused::REFUSED;
