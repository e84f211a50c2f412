//! A worker's errand to a stream whose messages a callback takes.

use std::sync::Arc;

use crate::route::Exchange;

/// A taker's turn on a worker. Dropped before it begins, as when the server stops, it drops the taker, too: the taker holds on to the
/// exchange, which holds on to it.
pub(crate) struct Turn(Option<Arc<Exchange>>);

impl Turn {
    pub(crate) fn new(exchange: &Arc<Exchange>) -> Self {
        Self(Some(Arc::clone(exchange)))
    }

    pub(crate) fn begin(mut self) -> Arc<Exchange> {
        self.0.take().expect("a turn begins once")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(exchange) = &self.0 {
            exchange.drop_taker();
        }
    }
}
