//! How a call begins: interceptors, the route, what the handler will know.

use std::sync::Arc;
use std::time::Duration;

use bulla_core::connection::{Connection, Open, Side, StreamId};
use bulla_core::intercept::{CallHead, Endings};
use bulla_core::status::{Code, Status};

use super::Calls;
use super::stage::{Receiving, Stage};
use crate::event_loop::Desk;
use crate::route::{Context, Exchange, Route, SessionFacts};

impl Calls {
    /// The peer opened a stream.
    pub(crate) fn handle_opened(&mut self, connection: &mut Connection, stream: StreamId, open: Open, desk: &mut Desk) {
        let session = Arc::clone(self.session.as_ref().expect("streams are opened in a session"));
        let (open, endings, route) = match admit(open, &session, desk) {
            Ok(admitted) => admitted,
            Err(status) => {
                desk.shared.metrics.call_ended(Err(&status));
                // A one-way stream may be over already.
                let _ = connection.reset(stream, &status);
                return;
            }
        };
        let deadline = waits(&open).map(|wait| desk.now + wait);
        let context = Context {
            session,
            route: Arc::clone(&route.name),
            one_way: open.one_way,
            metadata: open.metadata,
            exchange: Arc::new(Exchange::new(desk.port.clone(), (self.key, stream), route.shape, deadline, endings)),
            server: Arc::clone(&desk.shared.facts),
        };
        self.expect(deadline);
        let takes_many = route.shape.takes_many();
        self.open.insert(stream, Stage::Receiving(Box::new(Receiving { route, context, request: None })));
        if takes_many {
            self.start(connection, stream, desk);
        }
    }
}

/// Asks the interceptors, then looks for the route: a peer that may not call does not learn what there is.
fn admit(mut open: Open, session: &SessionFacts, desk: &Desk) -> Result<(Open, Endings, Arc<Route>), Status> {
    let endings = intercept(&mut open, session, desk)?;
    match find_route(&open, desk) {
        Ok(route) => Ok((open, endings, route)),
        Err(status) => {
            endings.tell(Err(&status));
            Err(status)
        }
    }
}

fn intercept(open: &mut Open, session: &SessionFacts, desk: &Desk) -> Result<Endings, Status> {
    let interceptors = &desk.shared.interceptors;
    if interceptors.is_empty() {
        return Ok(Endings::default());
    }
    let deadline = waits(open);
    let mut head = CallHead::new(Side::Server, &open.route, session.codec.name(), &mut open.metadata);
    head.peer = session.peer.as_deref();
    head.agent = &session.agent;
    head.remote = &session.address;
    head.deadline = deadline;
    head.one_way = open.one_way;
    interceptors.begin(&mut head)
}

/// How long the peer waits, if it said so.
fn waits(open: &Open) -> Option<Duration> {
    (open.deadline_ms > 0).then(|| Duration::from_millis(open.deadline_ms.into()))
}

fn find_route(open: &Open, desk: &Desk) -> Result<Arc<Route>, Status> {
    let route = desk.shared.routes.find(&open.route)?;
    if open.one_way && route.shape.gives_many() {
        let reason = "this route answers with a stream, and the peer wants no answer";
        return Err(Status::new(Code::InvalidArgument, reason));
    }
    Ok(Arc::clone(route))
}
