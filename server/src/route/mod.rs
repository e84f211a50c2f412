//! From a message to a handler and back: routes, calls and their answers. Nothing in here knows a socket.

mod call;
mod context;
mod handler;
mod responder;
mod routes;
mod slot;

pub(crate) use self::call::{Call, Job};
pub use self::context::Context;
pub(crate) use self::context::SessionFacts;
pub(crate) use self::handler::{Deferred, Handler, Unary};
pub use self::responder::Responder;
pub(crate) use self::routes::{Place, Route, Routes};
pub(crate) use self::slot::{Answer, AnswerSink, Slot};
