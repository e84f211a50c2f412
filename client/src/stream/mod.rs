//! One stream of a connection, as its halves hold it: how it begins, how it ends, and what goes over it.

mod canceller;
mod incoming;
mod outgoing;
mod pending;
mod upload;

use std::sync::Arc;

use bulla_codecs::Linked;
use bulla_core::codec::{CodecSet, DecodeLimits};
use bulla_core::connection::{Open, Side, StreamId};
use bulla_core::intercept::{CallHead, Endings};
use bulla_core::status::{Code, Status};
use bulla_core::text::escape;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::canceller::Canceller;
pub use self::incoming::Incoming;
pub use self::outgoing::Outgoing;
pub(crate) use self::pending::Answer;
pub use self::pending::Pending;
pub use self::upload::Upload;
use crate::call::{CallOptions, Deadline};
use crate::inbox::{End, Inbox};
use crate::line::Live;
use crate::link::{Beginning, Expects, GivenUp, Refusal};
use crate::{CallError, Lost};

/// How many messages go each way, and when the first is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One and one; written at once, since somebody waits.
    Call,
    /// One and one; may share a record with what follows, if others are in flight.
    Start,
    /// One and none.
    Notify,
    /// One and many.
    ServerStream,
    /// Many and one.
    ClientStream,
    /// Many and many.
    Duplex,
}

impl Shape {
    const fn expects(self) -> Expects {
        match self {
            Self::Notify => Expects::Nothing,
            Self::Call | Self::Start | Self::ClientStream => Expects::One,
            Self::ServerStream | Self::Duplex => Expects::Many,
        }
    }

    const fn is_soon(self) -> bool {
        matches!(self, Self::Start | Self::ClientStream | Self::Duplex)
    }
}

/// A stream that was opened, on one connection. Its halves each have a clone.
#[derive(Clone)]
pub(crate) struct Stream {
    live: Arc<Live>,
    route: String,
    deadline: Deadline,
    id: StreamId,
    inbox: Arc<Inbox>,
}

impl Stream {
    /// Opens a stream, with its one request if it has one; waits for room until `opening` at most.
    pub(crate) fn open(
        live: &Arc<Live>,
        route: &str,
        shape: Shape,
        request: Option<Vec<u8>>,
        options: &CallOptions,
        (opening, deadline): (Deadline, Deadline),
    ) -> Result<Self, CallError> {
        let mut open = Open {
            route: route.to_owned(),
            deadline_ms: deadline.milliseconds(),
            one_way: shape == Shape::Notify,
            metadata: options.metadata.clone(),
        };
        let mut endings = intercept(live, &mut open, deadline)?;
        let (expects, soon) = (shape.expects(), shape.is_soon());
        let beginning = Beginning { open: &open, request, expects, soon, endings: &mut endings };
        let opened = live.link.open(beginning, opening.until());
        let route = open.route;
        match opened {
            Ok(opened) => {
                // A notification is over when it is on its way; what else begins has its end to come.
                endings.tell(Ok(()));
                Ok(Self { live: Arc::clone(live), route, deadline, id: opened.stream, inbox: opened.inbox })
            }
            Err(refusal) => {
                endings.tell(Err(&status_of(&refusal)));
                Err(match refusal {
                    Refusal::Lost(reason) => CallError::NotSent { route, reason },
                    Refusal::Deadline => CallError::Deadline { route, after: opening.after(), sent: false },
                    Refusal::Command(error) => CallError::Command { route: escape(&route, 128), error },
                    Refusal::Over => CallError::NotSent { route, reason: Lost::Abandoned },
                })
            }
        }
    }

    /// Ends the stream on both sides, unless it is over: its inbox says how it ended.
    fn give_up(&self, why: GivenUp) {
        self.live.link.give_up(self.id, why);
    }

    /// What a caller is told of an end that is not the one it wanted.
    fn error(&self, end: End) -> CallError {
        let route = self.route.clone();
        match end {
            End::Finished => CallError::NoAnswer { route },
            // Both sides keep the time. Whichever of them ended the stream, it is the same end.
            End::Status(status) if status.code() == Code::DeadlineExceeded && self.deadline.is_past() => {
                CallError::Deadline { route, after: self.deadline.after(), sent: true }
            }
            End::Status(status) => CallError::Status { route, status },
            End::Lost { reason, sent: false } => CallError::NotSent { route, reason },
            End::Lost { reason, sent: true } => CallError::MayHaveRun { route, reason },
            End::Cancelled => CallError::Cancelled { route },
            End::Deadline { sent } => CallError::Deadline { route, after: self.deadline.after(), sent },
        }
    }

    fn decode<T: DeserializeOwned>(&self, message: &[u8], limits: DecodeLimits) -> Result<T, CallError> {
        Linked::decode_as(&*self.live.codec, message, limits).map_err(|error| CallError::Decode {
            route: self.route.clone(),
            codec: self.live.session.codec,
            error,
        })
    }

    fn canceller(&self) -> Canceller {
        Canceller::new(self.live.link.clone(), self.id)
    }
}

fn intercept(live: &Live, open: &mut Open, deadline: Deadline) -> Result<Endings, CallError> {
    if live.interceptors.is_empty() {
        return Ok(Endings::default());
    }
    let mut head = CallHead::new(Side::Client, &open.route, live.session.codec, &mut open.metadata);
    head.agent = &live.session.agent;
    head.remote = &live.address;
    head.deadline = deadline.limit();
    head.one_way = open.one_way;
    let begun = live.interceptors.begin(&mut head);
    begun.map_err(|status| CallError::Intercepted { route: escape(&open.route, 128), status })
}

/// What interceptors hear of a call that did not begin.
fn status_of(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Lost(reason) => Status::new(Code::Unavailable, reason),
        Refusal::Command(error) => Status::new(Code::InvalidArgument, error),
        Refusal::Deadline => Status::new(Code::DeadlineExceeded, "the deadline passed before it was sent"),
        Refusal::Over => Status::new(Code::Unavailable, Lost::Abandoned),
    }
}

/// Writes a value in a connection's codec.
pub(crate) fn encode<T: Serialize + ?Sized>(live: &Live, route: &str, value: &T) -> Result<Vec<u8>, CallError> {
    Linked::encode_to_vec(&*live.codec, value).map_err(|error| CallError::Encode {
        route: escape(route, 128),
        codec: live.session.codec,
        error,
    })
}
