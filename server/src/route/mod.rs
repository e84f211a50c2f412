//! From a message to a handler and back: routes, calls and their answers. Nothing in here knows a socket.

mod call;
mod context;
mod exchange;
mod flow;
mod handler;
mod lanes;
mod owed;
mod replies;
mod requests;
mod responder;
mod routes;
mod silence;
mod slot;
mod streaming;
mod turn;
mod wait;

pub(crate) use self::call::{Call, Job};
pub use self::context::Context;
#[cfg(feature = "files")]
pub(crate) use self::context::PeerId;
pub(crate) use self::context::SessionFacts;
pub(crate) use self::exchange::Exchange;
pub(crate) use self::flow::Flow;
pub(crate) use self::handler::{Deferred, Handler, Unary};
pub(crate) use self::owed::Owed;
pub use self::replies::{Replies, TrySendError};
pub use self::requests::Requests;
pub use self::responder::Responder;
pub(crate) use self::routes::{Place, Route, Routes, Shape};
pub(crate) use self::silence::{SilenceLimit, silent};
pub(crate) use self::slot::{Consumed, End, Note, Sink, Slot};
pub(crate) use self::streaming::{ClientStream, Duplex, ServerStream};
pub(crate) use self::turn::Turn;
pub(crate) use self::wait::Wait;
