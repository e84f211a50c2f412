//! Handlers of streams behind the trait of all handlers.

use std::marker::PhantomData;

use bulla_core::status::Status;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::route::{Call, Context, Handler, Replies, Requests};

/// A function from one request to many replies.
pub(crate) struct ServerStream<F, T> {
    function: F,
    types: PhantomData<fn(T)>,
}

impl<F, T> ServerStream<F, T>
where
    F: Fn(T, Replies),
{
    pub(crate) fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<F, T> Handler for ServerStream<F, T>
where
    F: Fn(T, Replies) + Send + Sync,
    T: DeserializeOwned,
{
    fn handle(&self, mut call: Call) {
        match call.decode() {
            Ok(request) => {
                // The stream may last: its request is not kept for as long.
                call.slot.release_request();
                drop(call.request);
                (self.function)(request, Replies::new(call.context, call.slot));
            }
            Err(status) => call.answer(Err::<(), _>(status)),
        }
    }
}

/// A function from many requests to one reply.
pub(crate) struct ClientStream<F, T, R> {
    function: F,
    types: PhantomData<fn(T) -> R>,
}

impl<F, T, R> ClientStream<F, T, R>
where
    F: Fn(Requests<T>, &Context) -> Result<R, Status>,
{
    pub(crate) fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<F, T, R> Handler for ClientStream<F, T, R>
where
    F: Fn(Requests<T>, &Context) -> Result<R, Status> + Send + Sync,
    T: DeserializeOwned,
    R: Serialize,
{
    fn handle(&self, call: Call) {
        let outcome = (self.function)(Requests::new(call.context.clone()), &call.context);
        call.answer(outcome);
    }
}

/// A function from many requests to many replies.
pub(crate) struct Duplex<F, T> {
    function: F,
    types: PhantomData<fn(T)>,
}

impl<F, T> Duplex<F, T>
where
    F: Fn(Requests<T>, Replies),
{
    pub(crate) fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<F, T> Handler for Duplex<F, T>
where
    F: Fn(Requests<T>, Replies) + Send + Sync,
    T: DeserializeOwned,
{
    fn handle(&self, call: Call) {
        (self.function)(Requests::new(call.context.clone()), Replies::new(call.context, call.slot));
    }
}
