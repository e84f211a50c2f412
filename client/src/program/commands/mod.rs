//! One file for each command: what it takes, and what it does.

pub(crate) mod bench;
pub(crate) mod call;
pub(crate) mod codecs;
pub(crate) mod fetch;
pub(crate) mod files;
mod follow;
pub(crate) mod form;
pub(crate) mod get;
pub(crate) mod keygen;
pub(crate) mod list;
mod live;
pub(crate) mod open;
pub(crate) mod ping;
pub(crate) mod publish;
pub(crate) mod put;
pub(crate) mod remove;
pub(crate) mod seal;
pub(crate) mod send;
mod send_lines;
pub(crate) mod stream;
pub(crate) mod subscribe;
