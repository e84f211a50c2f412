//! ZeroMQ with CURVE: a router answers dealers, JSON on both sides. In the program only with its feature `zmq`.

use std::collections::VecDeque;
use std::thread;
use std::time::Instant;

use bulla_benches::payload::{Block, Payload, Person};
use zmq::{Context, CurveKeyPair, DEALER, DONTWAIT, POLLIN, ROUTER, Socket};

use crate::Error;
use crate::format::{Format, Questions};
use crate::job::{Job, serve_until_hangup};
use crate::load::{Load, Size};
use crate::meter::{Meter, Tally};
use crate::peers::Peer;

/// Milliseconds without any answer after which a client gives up.
const PATIENCE: i64 = 10_000;

/// ZeroMQ.
pub(crate) struct ZeroMq;

impl Peer for ZeroMq {
    fn name(&self) -> &'static str {
        "zeromq-json"
    }

    fn about(&self) -> &'static str {
        "ZeroMQ with CURVE, router and dealers, JSON"
    }

    fn missing(&self) -> Option<String> {
        let curve = zmq::has("curve").unwrap_or(false);
        (!curve).then(|| "this libzmq has no CURVE".to_owned())
    }

    fn carries(&self, load: Load) -> bool {
        matches!(load, Load::Echo { .. })
    }

    fn serve(&self, load: Load) -> Result<(), Error> {
        let keys = CurveKeyPair::new()?;
        let socket = Context::new().socket(ROUTER)?;
        socket.set_curve_server(true)?;
        socket.set_curve_secretkey(&keys.secret_key)?;
        socket.bind("tcp://127.0.0.1:*")?;
        let bound = socket.get_last_endpoint()?.map_err(|_| "an endpoint that is no text")?;
        let address = bound.trim_start_matches("tcp://").parse()?;
        let block = matches!(load, Load::Echo { size: Size::Block, .. });
        thread::spawn(move || {
            let answered = if block { answer::<Block>(&socket) } else { answer::<Person>(&socket) };
            answered.expect("the socket stays until the process ends");
        });
        serve_until_hangup(address, &zmq::z85_encode(&keys.public_key)?)
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        match job.load {
            Load::Echo { size: Size::Small, in_flight, .. } => drive::<Person>(job, in_flight),
            Load::Echo { size: Size::Block, in_flight, .. } => drive::<Block>(job, in_flight),
            _ => Err("echoes alone".into()),
        }
    }
}

fn answer<P: Payload>(socket: &Socket) -> Result<(), Error> {
    loop {
        let (dealer, request) = (socket.recv_bytes(0)?, socket.recv_bytes(0)?);
        let mut reply = Vec::new();
        Format::Json.echo::<P>(&request, &mut reply)?;
        socket.send_multipart([dealer, reply], 0)?;
    }
}

/// A dealer and its window.
struct Asks<P> {
    socket: Socket,
    questions: Questions<P>,
    sent: VecDeque<Instant>,
    meter: Meter,
}

fn drive<P: Payload>(job: &Job, in_flight: usize) -> Result<Tally, Error> {
    let context = Context::new();
    let connect = |_| connect(&context, job);
    let sockets = (0..job.load.connections()).map(connect).collect::<Result<Vec<_>, Error>>()?;
    let period = job.period();
    let ask = |socket| {
        let meter = Meter::new(period);
        Asks::<P> { socket, questions: Questions::new(Format::Json), sent: VecDeque::new(), meter }
    };
    let mut asks: Vec<_> = sockets.into_iter().map(ask).collect();
    for _ in 0..in_flight {
        asks.iter_mut().try_for_each(Asks::ask)?;
    }
    while step(&mut asks)? {}
    Tally::sum(asks.into_iter().map(|asks| Ok(asks.meter.tally)))
}

/// Waits for answers, and asks as many questions; `false` when the period is over.
fn step<P: Payload>(asks: &mut [Asks<P>]) -> Result<bool, Error> {
    let mut items: Vec<_> = asks.iter().map(|asks| asks.socket.as_poll_item(POLLIN)).collect();
    if zmq::poll(&mut items, PATIENCE)? == 0 {
        return Err("no answer for ten seconds".into());
    }
    let ready: Vec<bool> = items.iter().map(|item| item.is_readable()).collect();
    for (asks, _) in asks.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
        while let Ok(answer) = asks.socket.recv_bytes(DONTWAIT) {
            asks.questions.check(&answer)?;
            if !asks.meter.record(asks.sent.pop_front().ok_or("an answer to nothing")?) {
                return Ok(false);
            }
            asks.ask()?;
        }
    }
    Ok(true)
}

impl<P: Payload> Asks<P> {
    fn ask(&mut self) -> Result<(), Error> {
        let mut question = Vec::new();
        self.sent.push_back(Instant::now());
        self.questions.ask(&mut question)?;
        Ok(self.socket.send(question, 0)?)
    }
}

fn connect(context: &Context, job: &Job) -> Result<Socket, Error> {
    let (socket, keys) = (context.socket(DEALER)?, CurveKeyPair::new()?);
    socket.set_curve_serverkey(&zmq::z85_decode(&job.ready.secret)?)?;
    socket.set_curve_publickey(&keys.public_key)?;
    socket.set_curve_secretkey(&keys.secret_key)?;
    socket.set_linger(0)?;
    socket.connect(&format!("tcp://{}", job.ready.address))?;
    Ok(socket)
}
