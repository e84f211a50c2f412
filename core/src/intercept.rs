//! Work that concerns every call, on either side: logs, measures, permissions.
//!
//! ```
//! use bulla_core::intercept::{CallHead, Ending, Interceptor};
//! use bulla_core::status::{Code, Status};
//!
//! /// Lets named peers in, and prints how their calls end.
//! fn named(call: &mut CallHead<'_>) -> Result<Ending, Status> {
//!     let Some(peer) = call.peer else {
//!         return Err(Status::new(Code::PermissionDenied, "calls are for keys with a name"));
//!     };
//!     let line = format!("{peer} {}", call.route);
//!     Ok(Ending::new(move |outcome| println!("{line}: {outcome:?}")))
//! }
//! # fn takes(_: impl Interceptor) {}
//! # takes(named);
//! ```
//!
//! On a server an interceptor sees a call when its stream is opened, before anything is known of its route: a peer that may not
//! call learns nothing of what there is. On a client it sees a call before anything is sent, again for each attempt.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::codec::CodecName;
use crate::connection::Side;
use crate::status::{Code, Status};

/// What is known of a call, a notification or a stream before it begins.
#[non_exhaustive]
pub struct CallHead<'a> {
    /// The side that the interceptor works for: the one that calls, or the one that is called.
    pub side: Side,
    /// The route asked for, printable ASCII. There may be none of this name.
    pub route: &'a str,
    /// The codec of the session.
    pub codec: CodecName,
    /// On a server: the name of the peer's key, its identity; `None` for a key without a name. On a client `None`.
    pub peer: Option<&'a str>,
    /// What the other side calls itself, escaped: a claim, not an identity.
    pub agent: &'a str,
    /// Where the other side is, to show.
    pub remote: &'a dyn fmt::Display,
    /// How long the caller waits, if it said so.
    pub deadline: Option<Duration>,
    /// The caller wants no answer.
    pub one_way: bool,
    /// The caller's pairs. On a client, what is added is sent along; on a server, the handler sees it.
    pub metadata: &'a mut Vec<(String, String)>,
}

impl<'a> CallHead<'a> {
    /// A call to `route` in a session, without deadline, identity or place.
    pub fn new(side: Side, route: &'a str, codec: CodecName, metadata: &'a mut Vec<(String, String)>) -> Self {
        Self { side, route, codec, peer: None, agent: "", remote: &"-", deadline: None, one_way: false, metadata }
    }
}

/// Work that concerns every call. Functions of this shape are interceptors, too.
pub trait Interceptor: Send + Sync + 'static {
    /// A call is about to begin. It is brief: on a server the event loop waits for it.
    ///
    /// # Errors
    /// The status with which the call ends at once.
    fn begin(&self, call: &mut CallHead<'_>) -> Result<Ending, Status>;
}

impl<F> Interceptor for F
where
    F: Fn(&mut CallHead<'_>) -> Result<Ending, Status> + Send + Sync + 'static,
{
    fn begin(&self, call: &mut CallHead<'_>) -> Result<Ending, Status> {
        self(call)
    }
}

type Told = Box<dyn FnOnce(Result<(), &Status>) + Send>;

/// What an interceptor does when a call ends. It runs once, on whatever thread ended the call, and is brief.
pub struct Ending(Option<Told>);

impl Ending {
    /// Nothing: the interceptor has no interest in the end.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Runs `told` with the outcome. A call that was given up by the caller, or lost its connection, has a status as well.
    #[must_use]
    pub fn new(told: impl FnOnce(Result<(), &Status>) + Send + 'static) -> Self {
        Self(Some(Box::new(told)))
    }
}

/// Interceptors in order: the first sees a call first, and its end last. A clone is the same list.
#[derive(Clone, Default)]
pub struct Interceptors(Vec<Arc<dyn Interceptor>>);

impl Interceptors {
    /// One more, behind the others.
    pub fn push(&mut self, interceptor: impl Interceptor) {
        self.0.push(Arc::new(interceptor));
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks one after the other.
    ///
    /// # Errors
    /// The first refusal; those asked before hear of it as the call's end. A panic is a refusal, with `INTERNAL`.
    pub fn begin(&self, call: &mut CallHead<'_>) -> Result<Endings, Status> {
        let mut endings = Endings::default();
        for interceptor in &self.0 {
            let begun = catch_unwind(AssertUnwindSafe(|| interceptor.begin(call)));
            match begun.unwrap_or_else(|_| Err(Status::new(Code::Internal, "an interceptor panicked"))) {
                Ok(Ending(told)) => endings.0.extend(told),
                Err(status) => {
                    endings.tell(Err(&status));
                    return Err(status);
                }
            }
        }
        Ok(endings)
    }
}

/// Who wants to hear of a call's end. Dropped before they were told, they hear of an end with `CANCELLED`.
#[derive(Default)]
pub struct Endings(Vec<Told>);

impl Endings {
    /// Whether nobody wants to hear.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells how the call ended. A panic of one keeps it from none of the others.
    pub fn tell(mut self, outcome: Result<(), &Status>) {
        self.tell_all(outcome);
    }

    fn tell_all(&mut self, outcome: Result<(), &Status>) {
        for told in std::mem::take(&mut self.0).into_iter().rev() {
            // The panic hook has said what there is to say.
            drop(catch_unwind(AssertUnwindSafe(|| told(outcome))));
        }
    }
}

impl Drop for Endings {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.tell_all(Err(&Status::new(Code::Cancelled, "given up")));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Diary(Arc<Mutex<Vec<String>>>);

    impl Diary {
        fn note(&self, line: impl Into<String>) {
            self.0.lock().unwrap().push(line.into());
        }

        fn read(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock().unwrap())
        }

        fn witness(&self, name: &'static str) -> impl Interceptor + use<> {
            let diary = self.clone();
            move |call: &mut CallHead<'_>| {
                diary.note(format!("{name} {}", call.route));
                call.metadata.push((name.to_owned(), String::new()));
                let diary = diary.clone();
                Ok(Ending::new(move |outcome| {
                    let outcome = outcome.map_or_else(ToString::to_string, |()| "OK".to_owned());
                    diary.note(format!("{name} {outcome}"));
                }))
            }
        }
    }

    fn begin(interceptors: &Interceptors, metadata: &mut Vec<(String, String)>) -> Result<Endings, Status> {
        interceptors.begin(&mut CallHead::new(Side::Server, "greet", CodecName::new("json"), metadata))
    }

    #[test]
    fn the_first_sees_a_call_first_and_its_end_last() {
        let diary = Diary::default();
        let mut interceptors = Interceptors::default();
        interceptors.push(diary.witness("a"));
        interceptors.push(|_: &mut CallHead<'_>| Ok(Ending::none()));
        interceptors.push(diary.witness("b"));
        let mut metadata = Vec::new();
        let endings = begin(&interceptors, &mut metadata).unwrap();
        assert_eq!(diary.read(), ["a greet", "b greet"]);
        endings.tell(Ok(()));
        assert_eq!(diary.read(), ["b OK", "a OK"]);
        assert_eq!(metadata.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_refusal_or_a_panic_is_the_end_for_those_before_it_and_nothing_for_those_behind() {
        let diary = Diary::default();
        type Refusal = fn(&mut CallHead<'_>) -> Result<Ending, Status>;
        let refusals: [(Refusal, &str); 2] = [
            (|_| Err(Status::new(Code::PermissionDenied, "no")), "PERMISSION_DENIED: no"),
            (|_| panic!("on purpose"), "INTERNAL: an interceptor panicked"),
        ];
        for (refusal, status) in refusals {
            let mut interceptors = Interceptors::default();
            interceptors.push(diary.witness("a"));
            interceptors.push(refusal);
            interceptors.push(diary.witness("b"));
            let refused = begin(&interceptors, &mut Vec::new()).err().expect("refused");
            assert_eq!(refused.to_string(), status);
            assert_eq!(diary.read(), ["a greet".to_owned(), format!("a {status}")]);
        }
    }

    #[test]
    fn everybody_hears_of_the_end_once_even_when_it_is_forgotten_or_one_panics() {
        let diary = Diary::default();
        let mut interceptors = Interceptors::default();
        interceptors.push(diary.witness("a"));
        interceptors.push(|_: &mut CallHead<'_>| Ok(Ending::new(|_| panic!("on purpose"))));
        drop(begin(&interceptors, &mut Vec::new()).unwrap());
        assert_eq!(diary.read(), ["a greet", "a CANCELLED: given up"]);
    }
}
