//! A server with a route for each shape of stream, and for each way in which one goes wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bulla_core::codec::DecodeLimits;
use bulla_core::connection::{Connection, Event, Limits, StreamId};
use bulla_core::status::{Code, Status};
use serde::Serialize;

use super::{Behaviour, TestServer, answer, codec_of, serve_each};

/// What the server saw, and what a test lets it do.
#[derive(Default)]
pub struct Watch {
    /// Streams that were opened.
    pub opened: AtomicU64,
    /// Messages sent on streams of the route `endless`.
    pub sent: AtomicU64,
    /// Messages that came on streams of the route `hold`, their bytes, and whether these are to be consumed.
    pub held: Mutex<(u64, usize)>,
}

/// Starts it. The routes:
///
/// - `count`: a number in, that many numbers out
/// - `endless`: numbers out, as many as find room
/// - `sum`: numbers in, their sum out
/// - `first`: numbers in, the first of them out at once
/// - `echo`: whatever comes goes back, message by message
/// - `hold`: takes nothing; a call of `release` takes what came
/// - `fail`: a number in, that many out, then NOT_FOUND
/// - `die`: as `fail`, but the connection is cut
/// - `leave`: GO_AWAY at its first message, which goes back with all that follow
pub fn serve_streams(limits: Limits) -> (TestServer, Arc<Watch>) {
    let watch = Arc::new(Watch::default());
    let shared = Arc::clone(&watch);
    let codecs = ["bincode", "json", "xml", "yaml"];
    (serve_each(&codecs, limits, move || Box::new(Streams { watch: Arc::clone(&shared), open: HashMap::new() })), watch)
}

struct Streams {
    watch: Arc<Watch>,
    open: HashMap<StreamId, Open>,
}

struct Open {
    route: String,
    sum: u64,
    seen: u64,
    /// Lengths of what was not consumed.
    held: Vec<usize>,
}

impl Behaviour for Streams {
    fn handle(&mut self, connection: &mut Connection, event: Event) -> bool {
        match event {
            Event::Opened { stream, open } => {
                self.watch.opened.fetch_add(1, Ordering::SeqCst);
                self.open.insert(stream, Open { route: open.route, sum: 0, seen: 0, held: Vec::new() });
            }
            Event::Message { stream, message, last } => {
                let goes_on = self.handle_message(connection, stream, message);
                if last {
                    self.handle_end(connection, stream);
                }
                return goes_on;
            }
            Event::Finished { stream } => self.handle_end(connection, stream),
            Event::Reset { stream, .. } => drop(self.open.remove(&stream)),
            _ => {}
        }
        true
    }

    fn pump(&mut self, connection: &mut Connection) {
        let window = connection.session().map_or(0, |session| session.limits.credit as usize);
        for (stream, open) in &mut self.open {
            while open.route == "endless" && connection.unsent(*stream) < window {
                send(connection, *stream, &open.sum);
                open.sum += 1;
                self.watch.sent.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

impl Streams {
    fn handle_message(&mut self, connection: &mut Connection, stream: StreamId, message: Vec<u8>) -> bool {
        let Some(open) = self.open.get_mut(&stream) else { return true };
        open.seen += 1;
        if open.route == "hold" {
            open.held.push(message.len());
            let mut held = self.watch.held.lock().unwrap();
            *held = (held.0 + 1, held.1 + message.len());
            return true;
        }
        connection.consume(stream, message.len());
        let number = |connection: &Connection| -> u64 {
            codec_of(connection).decode_as(&message, DecodeLimits::DEFAULT).unwrap()
        };
        match open.route.as_str() {
            "count" | "fail" | "die" => {
                for at in 0..number(connection) {
                    send(connection, stream, &at);
                }
                match open.route.as_str() {
                    "count" => drop(connection.finish(stream)),
                    "fail" => fail(connection, stream),
                    _ => return false,
                }
            }
            "sum" => open.sum += number(connection),
            "first" if open.seen == 1 => answer(connection, stream, message),
            "echo" => drop(connection.send(stream, message)),
            "leave" => {
                connection.go_away();
                let _ = connection.send(stream, message);
            }
            "release" => {
                self.release(connection);
                answer(connection, stream, message);
            }
            _ => {}
        }
        true
    }

    fn handle_end(&mut self, connection: &mut Connection, stream: StreamId) {
        let Some(open) = self.open.get(&stream) else { return };
        match open.route.as_str() {
            "sum" => {
                send(connection, stream, &open.sum);
                let _ = connection.finish(stream);
            }
            "echo" | "leave" => drop(connection.finish(stream)),
            _ => {}
        }
    }

    fn release(&mut self, connection: &mut Connection) {
        for (stream, open) in &mut self.open {
            for length in open.held.drain(..) {
                connection.consume(*stream, length);
            }
        }
    }
}

/// What was sent before goes out first.
fn fail(connection: &mut Connection, stream: StreamId) {
    let _ = connection.reset(stream, &Status::new(Code::NotFound, "no more of them"));
}

fn send(connection: &mut Connection, stream: StreamId, value: &impl Serialize) {
    // The caller may have given up meanwhile.
    let _ = connection.send(stream, codec_of(connection).encode_to_vec(value).unwrap());
}
