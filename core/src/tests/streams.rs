//! Every shape, and every way to end: by END, by RESET of either side, by loss, by GO_AWAY, by both sides at once.

use super::*;
use crate::connection::{CommandError, EVENT_COST};
use crate::status::{Code, Status};

fn message(stream: StreamId, bytes: &[u8], last: bool) -> Event {
    Event::Message { stream, message: bytes.to_vec(), last }
}

fn cancelled() -> Status {
    Status::new(Code::Cancelled, "enough").with_detail("by", "a test")
}

impl Pair {
    fn open_streams(&self) -> (usize, usize) {
        (self.client.open_streams(), self.server.open_streams())
    }

    /// A stream with messages under way in both directions, of which nothing has ended.
    fn busy(&mut self) -> StreamId {
        let stream = self.opened("busy");
        self.client.send(stream, vec![1; 3 << 20]).unwrap();
        self.server.send(stream, vec![2; 3 << 20]).unwrap();
        self.client_speaks();
        self.server_speaks();
        assert!(self.client.unsent(stream) > 0 && self.server.unsent(stream) > 0);
        stream
    }
}

#[test]
fn one_to_many() {
    let mut pair = Pair::connected();
    let stream = pair.opened("feed");
    pair.client.send(stream, b"which?".to_vec()).unwrap();
    pair.client.finish(stream).unwrap();
    pair.drive();
    assert_eq!(pair.server_events(), [message(stream, b"which?", true)]);
    for number in 0..3 {
        pair.server.send(stream, vec![number]).unwrap();
        pair.drive();
        assert_eq!(pair.client_events(), [message(stream, &[number], false)]);
    }
    assert_eq!(pair.open_streams(), (1, 1));
    pair.server.finish(stream).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), [Event::Finished { stream }]);
    assert_eq!(pair.open_streams(), (0, 0));
}

#[test]
fn many_to_one() {
    let mut pair = Pair::connected();
    let stream = pair.opened("upload");
    for number in 0..3 {
        pair.client.send(stream, vec![number]).unwrap();
    }
    pair.client.finish(stream).unwrap();
    pair.drive();
    let expected = [message(stream, &[0], false), message(stream, &[1], false), message(stream, &[2], true)];
    assert_eq!(pair.server_events(), expected);
    pair.server.send(stream, b"sum".to_vec()).unwrap();
    pair.server.finish(stream).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), [message(stream, b"sum", true)]);
    assert_eq!(pair.open_streams(), (0, 0));
}

#[test]
fn many_to_many_ends_when_both_sides_said_so_in_either_order() {
    for server_first in [true, false] {
        let mut pair = Pair::connected();
        let stream = pair.opened("chat");
        for number in 0..3 {
            pair.client.send(stream, vec![number]).unwrap();
            pair.server.send(stream, vec![number, number]).unwrap();
            pair.drive();
            assert_eq!(pair.server_events(), [message(stream, &[number], false)]);
            assert_eq!(pair.client_events(), [message(stream, &[number, number], false)]);
        }
        if server_first {
            pair.server.finish(stream).unwrap();
            pair.drive();
            assert_eq!(pair.client_events(), [Event::Finished { stream }]);
            pair.client.send(stream, b"still here".to_vec()).unwrap();
            pair.client.finish(stream).unwrap();
            pair.drive();
            assert_eq!(pair.server_events(), [message(stream, b"still here", true)]);
        } else {
            pair.client.finish(stream).unwrap();
            pair.drive();
            assert_eq!(pair.server_events(), [Event::Finished { stream }]);
            pair.server.send(stream, b"still here".to_vec()).unwrap();
            pair.server.finish(stream).unwrap();
            pair.drive();
            assert_eq!(pair.client_events(), [message(stream, b"still here", true)]);
        }
        assert_eq!(pair.open_streams(), (0, 0));
    }
}

#[test]
fn both_sides_may_end_at_once() {
    let finish = |connection: &mut Connection, stream| connection.finish(stream).unwrap();
    let reset = |connection: &mut Connection, stream| connection.reset(stream, &cancelled()).unwrap();
    let ways: [fn(&mut Connection, StreamId); 2] = [finish, reset];
    for (client, client_end) in ways.into_iter().enumerate() {
        for (server, server_end) in ways.into_iter().enumerate() {
            let mut pair = Pair::connected();
            let stream = pair.opened("chat");
            client_end(&mut pair.client, stream);
            server_end(&mut pair.server, stream);
            pair.drive();
            let heard = |other: usize, own: usize| match (other, own) {
                // What crosses a RESET of one's own is no news.
                (_, 1) => vec![],
                (0, _) => vec![Event::Finished { stream }],
                _ => vec![Event::Reset { stream, status: cancelled() }],
            };
            assert_eq!(pair.client_events(), heard(server, client));
            assert_eq!(pair.server_events(), heard(client, server));
            assert_eq!(pair.open_streams(), (0, 0));
            assert!(!pair.client.is_over() && !pair.server.is_over());
            pair.opened("another");
        }
    }
}

#[test]
fn a_reset_in_the_midst_of_messages_is_the_last_that_is_heard_and_leaves_nothing() {
    for by_server in [true, false] {
        let mut pair = Pair::connected();
        let stream = pair.busy();
        let (resetting, other) =
            if by_server { (&mut pair.server, &mut pair.client) } else { (&mut pair.client, &mut pair.server) };
        resetting.reset(stream, &cancelled()).unwrap();
        assert_eq!((resetting.queued(), resetting.unsent(stream)), (0, 0));
        assert!(other.queued() > 0);
        pair.drive();
        let (resetting, other) =
            if by_server { (&mut pair.server, &mut pair.client) } else { (&mut pair.client, &mut pair.server) };
        assert_eq!(events(resetting), []);
        assert_eq!(events(other), [Event::Reset { stream, status: cancelled() }]);
        for connection in [resetting, other] {
            assert_eq!((connection.queued(), connection.sendable(), connection.open_streams()), (0, 0, 0));
            assert_eq!(connection.send(stream, vec![1]), Err(CommandError::UnknownStream));
            assert!(connection.wants_read());
        }
    }
}

#[test]
fn a_loss_ends_every_stream_at_once() {
    let mut pair = Pair::connected();
    let stream = pair.busy();
    pair.server.handle_eof();
    assert_eq!(pair.server_events(), [Event::Closed(Closed::Truncated)]);
    assert_eq!((pair.server.queued(), pair.server.unsent(stream)), (0, 0));
    assert_eq!(pair.server.send(stream, vec![1]), Err(CommandError::Over));
    assert_eq!(pair.server.reset(stream, &cancelled()), Err(CommandError::Over));
    pair.server.consume(stream, 1);
    pair.server.watch(stream);
    assert_eq!(pair.server.poll_sent(), None);
    assert!(transmit(&mut pair.server).is_empty());
}

#[test]
fn going_away_lets_streams_of_every_shape_finish() {
    let mut pair = Pair::connected();
    let (feed, upload) = (pair.opened("feed"), pair.opened("upload"));
    pair.client.finish(feed).unwrap();
    pair.server.go_away();
    pair.drive();
    assert_eq!(pair.server_events(), [Event::Finished { stream: feed }]);
    assert_eq!(pair.client_events(), [Event::GoAway { last: upload.number() }]);
    pair.client.send(upload, vec![1; 1 << 20]).unwrap();
    pair.client.finish(upload).unwrap();
    pair.server.send(feed, vec![2; 1 << 20]).unwrap();
    pair.server.finish(feed).unwrap();
    pair.drive();
    assert_eq!(pair.server_events(), [message(upload, &[1; 1 << 20], true)]);
    assert_eq!(pair.client_events(), [message(feed, &[2; 1 << 20], true)]);
    pair.server.finish(upload).unwrap();
    pair.drive();
    assert_eq!(pair.client_events(), [Event::Finished { stream: upload }]);
    assert_eq!(pair.open_streams(), (0, 0));
}

#[test]
fn a_ping_and_a_small_call_in_the_midst_of_a_large_transfer_are_answered_next() {
    let mut pair = Pair::connected();
    let (large, small) = (pair.opened("large"), pair.opened("small"));
    for _ in 0..25 {
        pair.server.send(large, vec![7; 4 << 20]).unwrap();
    }
    // The transfer is under way: the client takes what comes, and grants more.
    for _ in 0..20 {
        pair.server_speaks();
        for event in pair.client_events() {
            let Event::Message { stream, message, .. } = event else { panic!("{event:?}") };
            pair.client.consume(stream, message.len());
        }
        pair.client_speaks();
    }
    let left = pair.server.unsent(large);
    assert!((80 << 20..99 << 20).contains(&left), "{left}");
    pair.client.ping(*b"midst of");
    pair.client.send(small, b"how are you?".to_vec()).unwrap();
    pair.client_speaks();
    assert_eq!(pair.server_events(), [message(small, b"how are you?", false)]);
    pair.server.send(small, b"busy".to_vec()).unwrap();
    // One burst is what a driver hands to the socket in one go.
    let mut burst = Vec::new();
    assert!(pair.server.poll_transmit(&mut burst));
    pair.client.hear(pair.now, &burst);
    let answers: Vec<Event> = pair
        .client_events()
        .into_iter()
        .filter(|event| !matches!(event, Event::Message { stream, .. } if *stream == large))
        .collect();
    assert_eq!(answers, [Event::Pong(*b"midst of"), message(small, b"busy", false)]);
    assert!(left - pair.server.unsent(large) <= 128 << 10, "what went before them is one burst at most");
}

#[test]
fn streams_share_a_connection_evenly() {
    let mut pair = Pair::connected();
    let streams = ["a", "b", "c", "d"].map(|name| pair.opened(name));
    for stream in streams {
        pair.server.send(stream, vec![7; 200 << 10]).unwrap();
    }
    let mut burst = Vec::new();
    while pair.server.unsent(streams[0]) > 100 << 10 {
        assert!(pair.server.poll_transmit(&mut burst));
    }
    let left = streams.map(|stream| pair.server.unsent(stream));
    let spread = left.iter().max().unwrap() - left.iter().min().unwrap();
    assert!(spread <= 64 << 10, "{left:?}");
}

/// Bytes under way in one direction, like a socket with a small buffer.
struct Pipe {
    bytes: Vec<u8>,
    capacity: usize,
    waiting: Vec<u8>,
}

impl Pipe {
    /// Moves what fits, from a side that is not asked for more before it is rid of what it said.
    fn carry(&mut self, now: Instant, from: &mut Connection, to: &mut Connection) -> bool {
        if self.waiting.is_empty() {
            from.poll_transmit(&mut self.waiting);
        }
        let moved = self.waiting.len().min(self.capacity - self.bytes.len());
        self.bytes.extend(self.waiting.drain(..moved));
        let read = !self.bytes.is_empty() && to.wants_read();
        if read {
            to.hear(now, &self.bytes);
            self.bytes.clear();
        }
        moved > 0 || read
    }
}

#[test]
fn both_sides_write_large_messages_at_once_through_tiny_buffers() {
    let mut pair = Pair::connected();
    let pipe = || Pipe { bytes: Vec::new(), capacity: 4096, waiting: Vec::new() };
    let (mut up, mut down) = (pipe(), pipe());
    let streams = ["a", "b", "c"].map(|name| pair.opened(name));
    let (count, size) = (2, 600 << 10);
    for stream in streams {
        for connection in [&mut pair.client, &mut pair.server] {
            for _ in 0..count {
                connection.send(stream, vec![7; size]).unwrap();
            }
            connection.finish(stream).unwrap();
        }
    }
    let mut come = [0; 2];
    let mut consume = |connection: &mut Connection, side: usize| {
        while let Some(event) = connection.poll_event() {
            if let Event::Message { stream, message, .. } = event {
                connection.consume(stream, message.len());
                come[side] += 1;
            }
        }
    };
    while up.carry(pair.now, &mut pair.client, &mut pair.server)
        | down.carry(pair.now, &mut pair.server, &mut pair.client)
    {
        consume(&mut pair.server, 0);
        consume(&mut pair.client, 1);
    }
    assert_eq!(come, [count * streams.len(); 2], "nobody waits for the other for ever");
    assert_eq!(pair.open_streams(), (0, 0));
}

#[test]
fn credit_that_never_comes_holds_up_its_own_stream_alone() {
    let mut pair = Pair::connected();
    let (stuck, other) = (pair.opened("stuck"), pair.opened("other"));
    let credit = Limits::default().credit as usize;
    pair.server.send(stuck, vec![0; credit]).unwrap();
    pair.server.send(stuck, vec![0; 1000]).unwrap();
    pair.drive();
    pair.client_events();
    for round in 0..100 {
        pair.server.send(other, vec![round; credit / 10]).unwrap();
        pair.drive();
        let expected = message(other, &vec![round; credit / 10], false);
        assert_eq!(pair.client_events(), [expected]);
        pair.client.consume(other, credit / 10);
    }
    assert_eq!(pair.server.unsent(stuck), 1000 + EVENT_COST);
    assert_eq!(pair.server.sendable(), 0);
}
