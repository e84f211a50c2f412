//! Bulla's server with another client: core's sans-IO connection in the same mio loop as the floor. What differs between this and
//! the client library is what threads and locks cost; what differs from the floor is the protocol and its seal.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bulla_benches::payload::{Block, Payload, Person};
use bulla_core::codec::{CodecName, CodecRegistry, DecodeLimits, SharedCodec};
use bulla_core::connection::{Bounds, ClientConfig, Connection, Event, Identity, Limits, Open, Start, StreamId};
use bulla_core::key::Key;

use crate::Error;
use crate::idle;
use crate::job::Job;
use crate::lines::{End, Lines};
use crate::load::{Load, Size};
use crate::meter::{Meter, Tally};
use crate::peers::Peer;
use crate::peers::bulla::{BLOCK, KEY, PERSON, serve};

const CODEC: CodecName = CodecName::new("json");

/// Core's connection over mio as the client.
pub(crate) struct BullaCore;

impl Peer for BullaCore {
    fn name(&self) -> &'static str {
        "bulla-core-json"
    }

    fn about(&self) -> &'static str {
        "Bulla's server, codec json; as the client, core's connection in one mio loop"
    }

    fn carries(&self, load: Load) -> bool {
        matches!(load, Load::Echo { .. })
    }

    fn serve(&self, load: Load) -> Result<(), Error> {
        serve(load)
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        match job.load {
            Load::Echo { size: Size::Small, in_flight, .. } => drive::<Person>(job, PERSON, in_flight),
            Load::Echo { size: Size::Block, in_flight, .. } => drive::<Block>(job, BLOCK, in_flight),
            _ => Err("echoes alone".into()),
        }
    }
}

fn drive<P: Payload>(job: &Job, route: &'static str, in_flight: usize) -> Result<Tally, Error> {
    let mut lines = Lines::new(job.load.flush_threshold())?;
    let period = job.period();
    for number in 0..job.load.connections() {
        let codec = CodecRegistry::discovered()?.require(&CODEC)?.clone();
        let connection = connection(number)?;
        let open = Open { route: route.to_owned(), ..Open::default() };
        let (question, sent, meter) = (P::numbered(0), VecDeque::new(), Meter::new(period));
        let asks = Asks { connection, codec, open, question, next: 0, sent, in_flight, meter, over: false };
        lines.connect(job.ready.address, asks)?;
    }
    Tally::sum(lines.drive()?.into_iter().map(|end| Ok(end.meter.tally)))
}

fn connection(number: usize) -> Result<Connection, Error> {
    let mut instance = [9; 16];
    instance[..8].copy_from_slice(&number.to_be_bytes());
    let config = ClientConfig {
        key: Key::from_bytes(KEY),
        offer: vec![CODEC],
        limits: Limits::default(),
        bounds: Bounds::default(),
        identity: Identity { instance, agent: "bulla-peers".to_owned() },
    };
    // Only this loop's own server is at the other end: what is drawn here protects nothing.
    let mut entropy = [0; 32];
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    entropy[..8].copy_from_slice(&number.to_be_bytes());
    entropy[8..24].copy_from_slice(&now.as_nanos().to_be_bytes());
    Ok(Connection::client(&config, Start { entropy, now: Instant::now(), unix_time: now.as_secs() }))
}

/// A window of calls.
struct Asks<P> {
    connection: Connection,
    codec: SharedCodec,
    open: Open,
    question: P,
    next: u64,
    /// In the order of the questions; answers on streams of their own may overtake each other, but not by far.
    sent: VecDeque<(StreamId, u64, Instant)>,
    in_flight: usize,
    meter: Meter,
    over: bool,
}

impl<P: Payload> Asks<P> {
    fn ask(&mut self) -> Result<(), Error> {
        let sent = Instant::now();
        self.question.renumber(self.next);
        let message = self.codec.encode_to_vec(&self.question)?;
        let stream = self.connection.open(&self.open)?;
        self.connection.send(stream, message)?;
        self.connection.finish(stream)?;
        self.sent.push_back((stream, self.next, sent));
        self.next += 1;
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Message { stream, message, .. } => {
                let answer: P = self.codec.decode_as(&message, DecodeLimits::DEFAULT)?;
                self.connection.consume(stream, message.len());
                let at = self.sent.iter().position(|(of, ..)| *of == stream).ok_or("an answer to nothing")?;
                let (_, number, sent) = self.sent.remove(at).ok_or("an answer to nothing")?;
                if answer.number() != number {
                    return Err(format!("answer {} came in place of {number}", answer.number()).into());
                }
                self.over = !self.meter.record(sent);
                Ok(())
            }
            Event::Reset { status, .. } => Err(status.to_string().into()),
            Event::Closed(reason) => Err(reason.to_string().into()),
            _ => Ok(()),
        }
    }
}

impl<P: Payload> End for Asks<P> {
    fn handle_input(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.connection.handle_input(Instant::now(), bytes);
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, Error> {
        if self.over {
            return Ok(false);
        }
        if self.connection.session().is_some() && self.sent.len() < self.in_flight {
            self.ask()?;
            return Ok(true);
        }
        match self.connection.poll_event() {
            Some(event) => self.handle(event).map(|()| true),
            None => Ok(false),
        }
    }

    fn queued(&self) -> usize {
        self.connection.queued()
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.connection.poll_transmit(out)
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

/// Sessions that did one echo each. The client keeps their sockets alone: its own memory is nobody's question.
pub(super) fn idle(job: &Job, connections: usize) -> Result<Tally, Error> {
    let codec = CodecRegistry::discovered()?.require(&CODEC)?.clone();
    let mut number = 0;
    idle::measure(job, connections, || {
        number += 1;
        one_echo(job.ready.address, connection(number)?, &codec)
    })
}

fn one_echo(address: SocketAddr, mut connection: Connection, codec: &SharedCodec) -> Result<TcpStream, Error> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (mut out, mut scratch) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        while connection.poll_transmit(&mut out) {
            stream.write_all(&out)?;
            out.clear();
        }
        let count = stream.read(&mut scratch)?;
        connection.handle_input(Instant::now(), &mut scratch[..count]);
        if count == 0 {
            connection.handle_eof();
        }
        while let Some(event) = connection.poll_event() {
            match event {
                Event::Connected(_) => {
                    let stream = connection.open(&Open { route: PERSON.to_owned(), ..Open::default() })?;
                    connection.send(stream, codec.encode_to_vec(&Person::numbered(1))?)?;
                    connection.finish(stream)?;
                }
                Event::Message { .. } => return Ok(stream),
                Event::Reset { status, .. } => return Err(status.to_string().into()),
                Event::Closed(reason) => return Err(reason.to_string().into()),
                _ => {}
            }
        }
    }
}
