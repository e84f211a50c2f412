//! Bulla itself: the server library, and the client library with a thread for each processor that the process may use.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use bulla_benches::payload::{Blob, Block, Payload, Person};
use bulla_client::{CallOptions, Client, Pending};
use bulla_core::key::{Key, KeyRing};
use bulla_server::{Address, Capacity, Server, ServerHandle};

use crate::Error;
use crate::job::{Job, serve_until_hangup};
use crate::load::{Load, Size};
use crate::meter::{Meter, Period, Tally};
use crate::peers::{Peer, core_client};
use crate::process::processors;

/// Both sides hold it; the server is there for nobody else.
pub(super) const KEY: [u8; 32] = [7; 32];

/// The routes: a small struct back, a block back, bytes taken, how many of them so far.
pub(super) const PERSON: &str = "person";
pub(super) const BLOCK: &str = "block";
const SINK: &str = "sink";
const TOTAL: &str = "total";

/// Bulla with one codec.
pub(crate) struct Bulla {
    pub(crate) name: &'static str,
    pub(crate) codec: &'static str,
}

impl Peer for Bulla {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        match self.codec {
            "json" => "Bulla, codec json: server library, and blocking client library with a thread for each processor",
            _ => "Bulla, codec bincode: server library, and blocking client library with a thread for each processor",
        }
    }

    fn carries(&self, load: Load) -> bool {
        match load {
            Load::Echo { .. } => true,
            // JSON has no bytes.
            Load::Bulk { .. } => self.codec == "bincode",
            // The codec makes no difference.
            Load::Idle { .. } => self.codec == "json",
        }
    }

    fn serve(&self, load: Load) -> Result<(), Error> {
        serve(load)
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        match job.load {
            Load::Echo { size: Size::Small, in_flight, .. } => self.echo::<Person>(job, PERSON, in_flight),
            Load::Echo { size: Size::Block, in_flight, .. } => self.echo::<Block>(job, BLOCK, in_flight),
            Load::Bulk { bytes } => bulk(job, &self.connect(job)?, bytes),
            Load::Idle { connections } => core_client::idle(job, connections),
        }
    }
}

/// The server of both clients.
pub(super) fn serve(load: Load) -> Result<(), Error> {
    let server = server(load)?;
    let Address::Tcp(address) = server.addresses()[0] else { return Err("the address is no TCP address".into()) };
    serve_until_hangup(address, "")?;
    server.shutdown();
    Ok(())
}

fn server(load: Load) -> Result<ServerHandle, Error> {
    let received = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&received);
    let mut capacity = Capacity::default();
    capacity.connections = capacity.connections.max(u32::try_from(load.connections())?);
    let server = Server::builder()
        .listen(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string())?
        .keys(KeyRing::single(Key::from_bytes(KEY)))
        .capacity(capacity)
        .route_inline(PERSON, |person: Person, _| Ok(person))
        .route_inline(BLOCK, |block: Block, _| Ok(block))
        .route_inline(SINK, move |blob: Blob, _| {
            received.fetch_add(blob.bytes.len() as u64, Ordering::Relaxed);
            Ok(())
        })
        .route_inline(TOTAL, move |(): (), _| Ok(total.load(Ordering::Relaxed)));
    Ok(server.spawn()?)
}

impl Bulla {
    fn connect(&self, job: &Job) -> Result<Client, Error> {
        let builder = Client::builder().server(job.ready.address.to_string()).key(Key::from_bytes(KEY));
        Ok(builder.offer([self.codec]).connect()?)
    }

    fn echo<P: Payload>(&self, job: &Job, route: &str, in_flight: usize) -> Result<Tally, Error> {
        let clients = (0..job.load.connections()).map(|_| self.connect(job)).collect::<Result<Vec<_>, _>>()?;
        let share = clients.len().div_ceil(processors()?.len());
        let period = job.period();
        thread::scope(|scope| {
            let run = |clients| scope.spawn(move || run::<P>(clients, route, in_flight, period));
            let threads: Vec<_> = clients.chunks(share).map(run).collect();
            Tally::sum(threads.into_iter().map(|thread| thread.join().expect("no panic in there")))
        })
    }
}

fn run<P: Payload>(clients: &[Client], route: &str, in_flight: usize, period: Period) -> Result<Tally, Error> {
    let mut meter = Meter::new(period);
    match clients {
        [client] if in_flight == 1 => one_by_one::<P>(client, route, &mut meter)?,
        clients => in_a_window::<P>(clients, route, in_flight, &mut meter)?,
    }
    Ok(meter.tally)
}

fn one_by_one<P: Payload>(client: &Client, route: &str, meter: &mut Meter) -> Result<(), Error> {
    let mut question = P::numbered(0);
    for number in 0.. {
        question.renumber(number);
        let sent = Instant::now();
        let answer: P = client.call(route, &question)?;
        check(answer.number(), number)?;
        if !meter.record(sent) {
            break;
        }
    }
    Ok(())
}

/// The clients are asked in turn: the next is the one whose oldest answer is awaited.
fn in_a_window<P: Payload>(clients: &[Client], route: &str, in_flight: usize, meter: &mut Meter) -> Result<(), Error> {
    let (mut question, options) = (P::numbered(0), CallOptions::new());
    let most = clients.len() * in_flight;
    let mut window: VecDeque<(u64, Instant, Pending<P>)> = VecDeque::with_capacity(most);
    for (number, client) in (0..).zip(clients.iter().cycle()) {
        if window.len() == most
            && let Some((number, sent, pending)) = window.pop_front()
        {
            check(pending.wait()?.number(), number)?;
            if !meter.record(sent) {
                break;
            }
        }
        question.renumber(number);
        window.push_back((number, Instant::now(), client.start(route, &question, &options)?));
    }
    Ok(())
}

fn check(answer: u64, question: u64) -> Result<(), Error> {
    if answer == question { Ok(()) } else { Err(format!("answer {answer} came in place of {question}").into()) }
}

/// Notifications go one way; what arrived is asked for before and after.
fn bulk(job: &Job, client: &Client, bytes: usize) -> Result<Tally, Error> {
    let blob = Blob { bytes: vec![0x5a; bytes] };
    let period = job.period();
    let mut sent = 0;
    let mut send_until = |until: Instant| -> Result<(u64, Instant), Error> {
        while Instant::now() < until {
            client.notify(SINK, &blob)?;
            sent += bytes as u64;
        }
        while client.call::<_, u64>(TOTAL, &())? < sent {}
        Ok((sent, Instant::now()))
    };
    let (before, begin) = send_until(period.begin)?;
    // What was queued before may have taken its time.
    let (after, end) = send_until(begin + (period.end - period.begin))?;
    let calls = (after - before) / bytes as u64;
    Ok(Tally { calls, seconds: Some((end - begin).as_secs_f64()), ..Tally::default() })
}
