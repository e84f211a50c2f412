//! The whole server on sockets that a test prepares.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bulla_core::codec::{Capabilities, Codec, CodecName, CodecRegistry, DecodeError, EncodeError};
use bulla_core::connection::{Bounds, ClientConfig, Connection, Event, Identity, Limits, Open, Start, StreamId};
use bulla_core::key::{Key, KeyRing};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::net::sockopt;
use serde::Serialize;
use serde::de::DeserializeSeed;

use crate::address::Address;
use crate::listener::Listener;
use crate::{Replies, Requests, Server, ServerHandle};

/// JSON, in which blanks make a message as long as a test likes.
pub(crate) struct Raw;

impl Codec for Raw {
    const NAME: CodecName = CodecName::new("raw");
    const MEDIA_TYPE: &'static str = "application/octet-stream";

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, value).map_err(EncodeError::new)
    }

    fn decode<'de, S: DeserializeSeed<'de>>(&self, input: &'de [u8], seed: S) -> Result<S::Value, DecodeError> {
        seed.deserialize(&mut serde_json::Deserializer::from_slice(input)).map_err(DecodeError::new)
    }
}

/// Bytes that a socket of these tests keeps in each direction, as far as the system goes along. With fewer, TCP itself waits for timers.
const TINY: usize = 16 << 10;

fn key() -> Key {
    Key::from_bytes([7; 32])
}

/// What is accepted has the buffers of the socket that listens.
fn bind_tiny(addresses: &[Address]) -> Result<Vec<Listener>, crate::StartError> {
    let listener = Listener::bind(&addresses[0])?;
    let Listener::Tcp(socket) = &listener else { panic!("not TCP") };
    make_tiny(socket);
    Ok(vec![listener])
}

fn make_tiny(socket: &impl std::os::fd::AsFd) {
    sockopt::set_socket_send_buffer_size(socket, TINY).unwrap();
    sockopt::set_socket_recv_buffer_size(socket, TINY).unwrap();
    assert!(sockopt::socket_send_buffer_size(socket).unwrap() <= 4 * TINY);
    assert!(sockopt::socket_recv_buffer_size(socket).unwrap() <= 4 * TINY);
}

/// A client that writes and reads as its socket lets it, and waits for neither.
struct Client {
    connection: Connection,
    socket: TcpStream,
    unsent: Vec<u8>,
    poll: Poll,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let socket = std::net::TcpStream::connect(address).unwrap();
        make_tiny(&socket);
        socket.set_nonblocking(true).unwrap();
        let mut socket = TcpStream::from_std(socket);
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut socket, Token(0), Interest::READABLE | Interest::WRITABLE).unwrap();
        let config = ClientConfig {
            key: key(),
            offer: vec![Raw::NAME],
            limits: Limits::default(),
            bounds: Bounds::default(),
            identity: Identity { instance: [1; 16], agent: "test/1".to_owned() },
        };
        let connection = Connection::client(&config, Start { entropy: [1; 32], now: Instant::now(), unix_time: 0 });
        Self { connection, socket, unsent: Vec::new(), poll }
    }

    /// Writes and reads what it can without waiting; `false` if that was nothing.
    fn step(&mut self) -> bool {
        let mut moved = false;
        if self.unsent.is_empty() {
            self.connection.poll_transmit(&mut self.unsent);
        }
        match self.socket.write(&self.unsent) {
            Ok(count) => {
                self.unsent.drain(..count);
                moved |= count > 0;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        let mut bytes = [0; TINY];
        match self.socket.read(&mut bytes) {
            Ok(count) => {
                assert!(count > 0, "the server hung up");
                self.connection.handle_input(Instant::now(), &mut bytes[..count]);
                moved = true;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        moved
    }

    /// Goes on until `done`, which is shown each event.
    fn run_until(&mut self, mut done: impl FnMut(&mut Connection, Event) -> bool) {
        let mut events = Events::with_capacity(8);
        loop {
            let moved = self.step();
            while let Some(event) = self.connection.poll_event() {
                if done(&mut self.connection, event) {
                    return;
                }
            }
            if !moved {
                self.poll.poll(&mut events, Some(Duration::from_secs(30))).unwrap();
                assert!(!events.is_empty(), "neither side goes on: each waits for the other");
            }
        }
    }
}

/// Sends as much as it gets, at the same time.
fn send_and_take(requests: Requests<String>, replies: Replies) {
    let replies = Arc::new(replies);
    let sending = Arc::clone(&replies);
    let sender = thread::spawn(move || {
        for _ in 0..COUNT {
            sending.send(&"y".repeat(SIZE)).unwrap();
        }
    });
    let taken = requests.map(Result::unwrap).filter(|text| text.len() == SIZE).count();
    sender.join().unwrap();
    replies.send(&taken).unwrap();
}

const COUNT: usize = 2;
const SIZE: usize = 600 << 10;

fn serve() -> (ServerHandle, SocketAddr) {
    let server = Server::builder()
        .listen("127.0.0.1:0")
        .unwrap()
        .keys(KeyRing::single(key()))
        .codecs(CodecRegistry::empty().with(Raw).unwrap())
        .route_duplex("both", send_and_take)
        .route("echo", |text: String, _: &crate::Context| Ok(text))
        .spawn_with(bind_tiny)
        .unwrap();
    let Address::Tcp(address) = server.addresses()[0] else { panic!("not TCP") };
    (server, address)
}

fn connected(address: SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.run_until(|_, event| matches!(event, Event::Connected(_)));
    client
}

#[test]
fn both_sides_write_large_messages_at_once_through_tiny_socket_buffers() {
    let (server, address) = serve();
    let mut client = connected(address);
    let request = serde_json::to_vec(&"x".repeat(SIZE)).unwrap();
    let streams: Vec<StreamId> = (0..3)
        .map(|_| {
            let stream = client.connection.open(&Open { route: "both".to_owned(), ..Open::default() }).unwrap();
            for _ in 0..COUNT {
                client.connection.send(stream, request.clone()).unwrap();
            }
            client.connection.finish(stream).unwrap();
            stream
        })
        .collect();
    let (mut messages, mut ends, mut last) = (0, 0, Vec::new());
    client.run_until(|connection, event| {
        match event {
            Event::Message { stream, message, last: end } => {
                connection.consume(stream, message.len());
                messages += 1;
                ends += usize::from(end);
                last = message;
            }
            Event::Finished { .. } => ends += 1,
            other => panic!("{other:?}"),
        }
        ends == streams.len()
    });
    assert_eq!(messages, streams.len() * (COUNT + 1));
    assert_eq!(last, COUNT.to_string().into_bytes());
    assert_eq!(server.metrics().calls, [("OK", 3)].into_iter().collect());
}

#[test]
fn large_calls_both_ways_at_once_pass_tiny_socket_buffers() {
    let (server, address) = serve();
    let mut client = connected(address);
    let request = serde_json::to_vec(&"x".repeat(SIZE)).unwrap();
    for _ in 0..8 {
        let stream = client.connection.open(&Open { route: "echo".to_owned(), ..Open::default() }).unwrap();
        client.connection.send(stream, request.clone()).unwrap();
        client.connection.finish(stream).unwrap();
    }
    let mut answers = 0;
    client.run_until(|connection, event| {
        let Event::Message { stream, message, .. } = event else { panic!("{event:?}") };
        assert_eq!(message.len(), request.len());
        connection.consume(stream, message.len());
        answers += 1;
        answers == 8
    });
    drop(server);
}
