//! The floor: plain TCP, one mio loop on either side, lengths before messages, and our flush policy. Nothing is sealed.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use bulla_benches::payload::{Block, Payload, Person};

use crate::Error;
use crate::format::{Format, Questions, first_frame, frame};
use crate::idle;
use crate::job::{Job, serve_until_hangup};
use crate::lines::{End, Lines};
use crate::load::{Load, Size};
use crate::meter::{Meter, Tally};
use crate::peers::Peer;

/// Bytes over mio.
pub(crate) struct Raw {
    pub(crate) name: &'static str,
    pub(crate) format: Format,
}

impl Peer for Raw {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        match self.format {
            Format::Json => "plain TCP over mio, JSON, our flush policy: the floor, nothing is sealed",
            Format::Bytes => "plain TCP over mio, bytes, our flush policy: the floor, nothing is sealed",
        }
    }

    fn carries(&self, load: Load) -> bool {
        match load {
            Load::Echo { .. } => true,
            Load::Bulk { .. } => false,
            Load::Idle { .. } => self.format == Format::Bytes,
        }
    }

    fn serve(&self, load: Load) -> Result<(), Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let format = self.format;
        thread::spawn(move || match load {
            Load::Echo { size: Size::Block, .. } => serve::<Block>(listener, format, load),
            _ => serve::<Person>(listener, format, load),
        });
        serve_until_hangup(address, "")
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        match job.load {
            Load::Echo { size: Size::Small, in_flight, .. } => drive::<Person>(job, self.format, in_flight),
            Load::Echo { size: Size::Block, in_flight, .. } => drive::<Block>(job, self.format, in_flight),
            Load::Idle { connections } => idle::measure(job, connections, || {
                let mut stream = TcpStream::connect(job.ready.address)?;
                idle::echo_frame(&mut stream)?;
                Ok(stream)
            }),
            Load::Bulk { .. } => Err("the floor has no bulk load".into()),
        }
    }
}

fn serve<P: Payload>(listener: TcpListener, format: Format, load: Load) {
    let lines = Lines::new(load.flush_threshold());
    let result = lines.and_then(|lines| lines.serve(listener, || Answers::<P>::new(format)));
    result.expect("the loop goes on until the process ends");
}

fn drive<P: Payload>(job: &Job, format: Format, in_flight: usize) -> Result<Tally, Error> {
    let mut lines = Lines::new(job.load.flush_threshold())?;
    let period = job.period();
    for _ in 0..job.load.connections() {
        lines.connect(job.ready.address, Asks::<P>::new(format, in_flight, Meter::new(period)))?;
    }
    Tally::sum(lines.drive()?.into_iter().map(|end| Ok(end.meter.tally)))
}

/// Input that is taken apart frame by frame.
#[derive(Default)]
struct Input {
    bytes: Vec<u8>,
    used: usize,
}

impl Input {
    fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Hands the next whole frame to `take`; `false` if there is none.
    fn next(&mut self, take: impl FnOnce(&[u8]) -> Result<(), Error>) -> Result<bool, Error> {
        let Some(content) = first_frame(&self.bytes[self.used..]) else {
            self.bytes.drain(..self.used);
            self.used = 0;
            return Ok(false);
        };
        take(content)?;
        self.used += 4 + content.len();
        Ok(true)
    }
}

/// The server's end.
struct Answers<P> {
    format: Format,
    input: Input,
    out: Vec<u8>,
    payload: PhantomData<P>,
}

impl<P> Answers<P> {
    fn new(format: Format) -> Self {
        Self { format, input: Input::default(), out: Vec::new(), payload: PhantomData }
    }
}

impl<P: Payload> End for Answers<P> {
    fn handle_input(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.input.extend(bytes);
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, Error> {
        let (format, out) = (self.format, &mut self.out);
        self.input.next(|request| frame(out, |out| format.echo::<P>(request, out)))
    }

    fn queued(&self) -> usize {
        self.out.len()
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        take(&mut self.out, out)
    }
}

/// The client's end: a window of questions.
struct Asks<P> {
    questions: Questions<P>,
    sent: VecDeque<Instant>,
    in_flight: usize,
    input: Input,
    out: Vec<u8>,
    meter: Meter,
    over: bool,
}

impl<P: Payload> Asks<P> {
    fn new(format: Format, in_flight: usize, meter: Meter) -> Self {
        let questions = Questions::new(format);
        let (input, out) = (Input::default(), Vec::new());
        Self { questions, sent: VecDeque::new(), in_flight, input, out, meter, over: false }
    }
}

impl<P: Payload> End for Asks<P> {
    fn handle_input(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.input.extend(bytes);
        Ok(())
    }

    fn advance(&mut self) -> Result<bool, Error> {
        if self.over {
            return Ok(false);
        }
        if self.sent.len() < self.in_flight {
            self.sent.push_back(Instant::now());
            frame(&mut self.out, |out| self.questions.ask(out))?;
            return Ok(true);
        }
        let Self { input, questions, sent, meter, over, .. } = self;
        input.next(|answer| {
            questions.check(answer)?;
            *over = sent.pop_front().is_some_and(|sent| !meter.record(sent));
            Ok(())
        })
    }

    fn queued(&self) -> usize {
        self.out.len()
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        take(&mut self.out, out)
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

fn take(from: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
    if out.is_empty() {
        std::mem::swap(from, out);
    } else {
        out.append(from);
    }
    !out.is_empty()
}
