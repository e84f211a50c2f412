//! The codec contract, proven on two codecs: one whose bytes describe themselves and one whose bytes do not.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod budgets;
mod codecs;
mod documents;
mod refusals;
mod registry;
mod sets;
mod ways;
mod zoo;
