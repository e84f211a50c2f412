//! The table of routes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use bulla_core::status::{Code, Status};
use bulla_core::text::escape;

use crate::address::MAX_SHOWN;
use crate::error::StartError;
use crate::route::Handler;

/// The longest name of a route, in bytes.
const MAX_ROUTE: usize = 128;

/// Where a handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the event loop: for handlers that only compute, and not for long.
    Inline,
    /// On the worker pool.
    Worker,
    /// On a thread of its own, for as long as it takes.
    Thread,
}

/// How many messages go each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One request, one reply; or none, when the peer wants none.
    Call,
    /// One request, many replies.
    ServerStream,
    /// Many requests, one reply.
    ClientStream,
    /// Many requests, many replies.
    Duplex,
}

impl Shape {
    /// Whether many messages of the peer are expected.
    pub(crate) fn takes_many(self) -> bool {
        matches!(self, Self::ClientStream | Self::Duplex)
    }

    /// Whether the peer may get many messages.
    pub(crate) fn gives_many(self) -> bool {
        matches!(self, Self::ServerStream | Self::Duplex)
    }
}

/// A name, and what it stands for.
pub(crate) struct Route {
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    pub(crate) shape: Shape,
    pub(crate) handler: Box<dyn Handler>,
}

/// All routes of a server.
#[derive(Default)]
pub(crate) struct Routes {
    by_name: BTreeMap<Arc<str>, Arc<Route>>,
}

impl Routes {
    /// Adds a route.
    pub(crate) fn add(
        &mut self,
        name: &str,
        place: Place,
        shape: Shape,
        handler: Box<dyn Handler>,
    ) -> Result<(), StartError> {
        if name.is_empty() || name.len() > MAX_ROUTE || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(StartError::Route(escape(name, MAX_SHOWN)));
        }
        let name: Arc<str> = name.into();
        match self.by_name.entry(Arc::clone(&name)) {
            Entry::Occupied(_) => Err(StartError::DuplicateRoute(name.to_string())),
            Entry::Vacant(free) => {
                free.insert(Arc::new(Route { name, place, shape, handler }));
                Ok(())
            }
        }
    }

    /// The route of that name, or a status that lists those that there are.
    pub(crate) fn find(&self, name: &str) -> Result<&Arc<Route>, Status> {
        self.by_name.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.by_name.keys().map(AsRef::as_ref).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Status::new(Code::Unimplemented, format_args!("no route {name:?}; this server has {known}"))
        })
    }

    /// All names, sorted.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.by_name.keys().map(Arc::clone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Call;

    struct Nothing;

    impl Handler for Nothing {
        fn handle(&self, _: Call) {}
    }

    #[test]
    fn finds_a_route_or_lists_all() {
        let mut routes = Routes::default();
        for name in ["b", "a"] {
            routes.add(name, Place::Inline, Shape::Call, Box::new(Nothing)).unwrap();
        }
        assert_eq!(&*routes.find("a").map(|route| Arc::clone(&route.name)).unwrap(), "a");
        let status = routes.find("c").err().unwrap();
        assert_eq!(status.to_string(), r#"UNIMPLEMENTED: no route "c"; this server has a, b"#);
    }

    #[test]
    fn refuses_two_handlers_for_a_route_and_names_that_no_client_can_ask_for() {
        let mut routes = Routes::default();
        routes.add("a", Place::Inline, Shape::Call, Box::new(Nothing)).unwrap();
        let again = routes.add("a", Place::Worker, Shape::Call, Box::new(Nothing));
        assert_eq!(again, Err(StartError::DuplicateRoute("a".to_owned())));
        for bad in ["", "a b", "ä", &"r".repeat(129)] {
            assert!(
                matches!(routes.add(bad, Place::Inline, Shape::Call, Box::new(Nothing)), Err(StartError::Route(_))),
                "{bad:?}"
            );
        }
    }
}
