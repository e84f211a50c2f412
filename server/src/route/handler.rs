//! Handlers of different shapes behind one object-safe trait.

use std::marker::PhantomData;

use bulla_core::status::Status;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::route::{Call, Context, Responder};

/// What a route does with a call. Decoding and encoding happen in here, where the types are known.
pub(crate) trait Handler: Send + Sync {
    /// Takes the call, and sees to its answer.
    fn handle(&self, call: Call);
}

/// A function from a request to a reply.
pub(crate) struct Unary<F, T, R> {
    function: F,
    types: PhantomData<fn(T) -> R>,
}

impl<F, T, R> Unary<F, T, R>
where
    F: Fn(T, &Context) -> Result<R, Status>,
{
    pub(crate) fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<F, T, R> Handler for Unary<F, T, R>
where
    F: Fn(T, &Context) -> Result<R, Status> + Send + Sync,
    T: DeserializeOwned,
    R: Serialize,
{
    fn handle(&self, call: Call) {
        let outcome = call.decode().and_then(|request| (self.function)(request, &call.context));
        call.answer(outcome);
    }
}

/// A function that takes a request and answers later, from wherever it likes.
pub(crate) struct Deferred<F, T> {
    function: F,
    types: PhantomData<fn(T)>,
}

impl<F, T> Deferred<F, T>
where
    F: Fn(T, Responder),
{
    pub(crate) fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<F, T> Handler for Deferred<F, T>
where
    F: Fn(T, Responder) + Send + Sync,
    T: DeserializeOwned,
{
    fn handle(&self, call: Call) {
        match call.decode() {
            Ok(request) => (self.function)(request, Responder::new(call.context, call.slot)),
            Err(status) => call.answer(Err::<(), _>(status)),
        }
    }
}
