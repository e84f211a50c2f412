//! TLS over tokio with lengths before messages: as its users write it, with one write a message, and with our flush policy.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bulla_benches::payload::{Block, Payload, Person};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::{TlsConnector, client, server};
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{Framed, FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::Error;
use crate::format::{Format, Questions, first_frame, frame};
use crate::idle;
use crate::job::{Job, serve_until_hangup};
use crate::load::{Load, Size};
use crate::meter::{Meter, Period, Tally};
use crate::peers::Peer;
use crate::process::own_memory;
use crate::tasks;
use crate::tls::{self, Certificate, Listener};

/// What one read takes.
const SCRATCH: usize = 64 << 10;

/// Who decides when to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `Framed` and `send`: a write for each message.
    AsWritten,
    /// A write at a threshold, and before waiting.
    Batched,
}

/// tokio-rustls.
pub(crate) struct Rustls {
    pub(crate) name: &'static str,
    pub(crate) format: Format,
    pub(crate) style: Style,
}

impl Peer for Rustls {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        match (self.format, self.style) {
            (Format::Json, Style::AsWritten) => {
                "tokio-rustls (AES-256-GCM, as it comes), JSON in LengthDelimitedCodec, as its users write it"
            }
            (Format::Json, Style::Batched) => "tokio-rustls (the same), JSON, with our flush policy",
            (Format::Bytes, _) => "tokio-rustls (the same), bytes, with our flush policy",
        }
    }

    fn carries(&self, load: Load) -> bool {
        match load {
            Load::Echo { .. } => true,
            Load::Bulk { .. } => self.format == Format::Bytes,
            Load::Idle { .. } => self.format == Format::Bytes || self.style == Style::AsWritten,
        }
    }

    fn serve(&self, load: Load) -> Result<(), Error> {
        let certificate = Certificate::make()?;
        let runtime = tasks::runtime()?;
        let listener = runtime.block_on(Listener::bind(&certificate))?;
        let address = listener.address()?;
        let format = if matches!(load, Load::Idle { .. }) { Format::Bytes } else { self.format };
        let (style, threshold) = (self.style, load.flush_threshold());
        match load {
            Load::Bulk { .. } => drop(runtime.spawn(listener.accept_all(swallow))),
            Load::Echo { size: Size::Block, .. } => {
                drop(
                    runtime.spawn(listener.accept_all(move |stream| answer::<Block>(stream, format, style, threshold))),
                );
            }
            _ => drop(
                runtime.spawn(listener.accept_all(move |stream| answer::<Person>(stream, format, style, threshold))),
            ),
        }
        serve_until_hangup(address, &certificate.pem)
    }

    fn drive(&self, job: &Job) -> Result<Tally, Error> {
        let connector = TlsConnector::from(Arc::new(tls::client_config(&job.ready.secret)?));
        tasks::runtime()?.block_on(async {
            match job.load {
                Load::Echo { size: Size::Small, in_flight, .. } => {
                    self.echo::<Person>(job, &connector, in_flight).await
                }
                Load::Echo { size: Size::Block, in_flight, .. } => self.echo::<Block>(job, &connector, in_flight).await,
                Load::Bulk { bytes } => bulk(job, tls::connect(job.ready.address, &connector).await?, bytes).await,
                Load::Idle { connections } => idle(job, &connector, connections).await,
            }
        })
    }
}

// The server

async fn answer<P: Payload>(stream: server::TlsStream<TcpStream>, format: Format, style: Style, threshold: usize) {
    // A client that is done hangs up: that is no failure.
    let _ = match style {
        Style::AsWritten => answer_each::<P>(stream, format).await,
        Style::Batched => answer_in_batches::<P>(stream, format, threshold).await,
    };
}

async fn answer_each<P: Payload>(stream: server::TlsStream<TcpStream>, format: Format) -> Result<(), Error> {
    let mut framed = Framed::new(stream, LengthDelimitedCodec::new());
    while let Some(request) = framed.next().await {
        let mut reply = Vec::new();
        format.echo::<P>(&request?, &mut reply)?;
        framed.send(Bytes::from(reply)).await?;
    }
    Ok(())
}

async fn answer_in_batches<P: Payload>(
    mut stream: server::TlsStream<TcpStream>,
    format: Format,
    threshold: usize,
) -> Result<(), Error> {
    let (mut input, mut out) = (BytesMut::with_capacity(SCRATCH), Vec::new());
    loop {
        while let Some(request) = next_frame(&mut input) {
            frame(&mut out, |out| format.echo::<P>(&request, out))?;
            if out.len() >= threshold {
                write(&mut stream, &mut out).await?;
            }
        }
        write(&mut stream, &mut out).await?;
        input.reserve(SCRATCH);
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

/// Takes messages of any length, and answers an empty one with the number of bytes so far.
async fn swallow(mut stream: server::TlsStream<TcpStream>) {
    let (mut scratch, mut total, mut header) = (vec![0; SCRATCH], 0_u64, [0; 4]);
    while stream.read_exact(&mut header).await.is_ok() {
        let mut left = u32::from_be_bytes(header) as usize;
        total += left as u64;
        if left == 0 && (stream.write_all(&total.to_be_bytes()).await.is_err() || stream.flush().await.is_err()) {
            return;
        }
        while left > 0 {
            let most = left.min(SCRATCH);
            match stream.read(&mut scratch[..most]).await {
                Ok(count @ 1..) => left -= count,
                _ => return,
            }
        }
    }
}

fn next_frame(input: &mut BytesMut) -> Option<BytesMut> {
    let length = first_frame(input)?.len();
    let mut frame = input.split_to(4 + length);
    Some(frame.split_off(4))
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), out: &mut Vec<u8>) -> Result<(), Error> {
    if !out.is_empty() {
        stream.write_all(out).await?;
        stream.flush().await?;
        out.clear();
    }
    Ok(())
}

// The client

impl Rustls {
    async fn echo<P: Payload>(&self, job: &Job, connector: &TlsConnector, in_flight: usize) -> Result<Tally, Error> {
        let mut streams = Vec::new();
        for _ in 0..job.load.connections() {
            streams.push(tls::connect(job.ready.address, connector).await?);
        }
        let (format, style, threshold, period) = (self.format, self.style, job.load.flush_threshold(), job.period());
        tasks::sum(streams, move |stream| async move {
            match style {
                _ if in_flight == 1 => one_by_one::<P>(stream, format, period).await,
                Style::AsWritten => Window::<P>::run(stream, format, in_flight, period, None).await,
                Style::Batched => Window::<P>::run(stream, format, in_flight, period, Some(threshold)).await,
            }
        })
        .await
    }
}

async fn one_by_one<P: Payload>(
    stream: client::TlsStream<TcpStream>,
    format: Format,
    period: Period,
) -> Result<Tally, Error> {
    let mut framed = Framed::new(stream, LengthDelimitedCodec::new());
    let (mut questions, mut meter) = (Questions::<P>::new(format), Meter::new(period));
    loop {
        let sent = Instant::now();
        let mut question = Vec::new();
        questions.ask(&mut question)?;
        framed.send(Bytes::from(question)).await?;
        questions.check(&framed.next().await.ok_or("the server hung up")??)?;
        if !meter.record(sent) {
            return Ok(meter.tally);
        }
    }
}

/// Many questions on their way: one side writes as permits come, the other reads and gives permits.
struct Window<P> {
    /// Both halves are polled by one task: nobody ever waits for these locks.
    questions: Mutex<Questions<P>>,
    sent: Mutex<VecDeque<Instant>>,
}

impl<P: Payload> Window<P> {
    async fn run(
        stream: client::TlsStream<TcpStream>,
        format: Format,
        in_flight: usize,
        period: Period,
        threshold: Option<usize>,
    ) -> Result<Tally, Error> {
        let window = Self { questions: Mutex::new(Questions::new(format)), sent: Mutex::default() };
        let (reader, writer) = tokio::io::split(stream);
        let (permit, permits) = unbounded_channel();
        (0..in_flight).try_for_each(|_| permit.send(()))?;
        let write = async {
            match threshold {
                None => window.write_each(writer, permits).await,
                Some(threshold) => window.write_in_batches(writer, permits, threshold).await,
            }
        };
        let give = move || permit.send(()).is_ok();
        let read = async {
            match threshold {
                None => window.read_framed(reader, period, give).await,
                Some(_) => window.read_buffered(reader, period, give).await,
            }
        };
        tokio::pin!(read);
        // When the reader is done, nobody reads what the writer may still wait for.
        tokio::select! {
            biased;
            tally = &mut read => tally,
            written = write => {
                written?;
                read.await
            }
        }
    }

    fn ask(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push_back(Instant::now());
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).ask(out)
    }

    /// `false` when the period is over.
    fn take(&self, answer: &[u8], meter: &mut Meter) -> Result<bool, Error> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).check(answer)?;
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Ok(meter.record(sent.ok_or("an answer to nothing")?))
    }

    async fn write_each(
        &self,
        writer: WriteHalf<client::TlsStream<TcpStream>>,
        mut permits: UnboundedReceiver<()>,
    ) -> Result<(), Error> {
        let mut framed = FramedWrite::new(writer, LengthDelimitedCodec::new());
        while permits.recv().await.is_some() {
            let mut question = Vec::new();
            self.ask(&mut question)?;
            framed.send(Bytes::from(question)).await?;
        }
        Ok(())
    }

    async fn write_in_batches(
        &self,
        mut writer: impl AsyncWrite + Unpin,
        mut permits: UnboundedReceiver<()>,
        threshold: usize,
    ) -> Result<(), Error> {
        let mut out = Vec::new();
        loop {
            if permits.is_empty() {
                write(&mut writer, &mut out).await?;
            }
            if permits.recv().await.is_none() {
                return Ok(());
            }
            frame(&mut out, |out| self.ask(out))?;
            if out.len() >= threshold {
                write(&mut writer, &mut out).await?;
            }
        }
    }

    async fn read_framed(
        &self,
        reader: ReadHalf<client::TlsStream<TcpStream>>,
        period: Period,
        give: impl Fn() -> bool,
    ) -> Result<Tally, Error> {
        let mut framed = FramedRead::new(reader, LengthDelimitedCodec::new());
        let mut meter = Meter::new(period);
        while self.take(&framed.next().await.ok_or("the server hung up")??, &mut meter)? && give() {}
        Ok(meter.tally)
    }

    async fn read_buffered(
        &self,
        mut reader: impl AsyncRead + Unpin,
        period: Period,
        give: impl Fn() -> bool,
    ) -> Result<Tally, Error> {
        let (mut input, mut meter) = (BytesMut::with_capacity(SCRATCH), Meter::new(period));
        loop {
            while let Some(answer) = next_frame(&mut input) {
                if !self.take(&answer, &mut meter)? || !give() {
                    return Ok(meter.tally);
                }
            }
            input.reserve(SCRATCH);
            if reader.read_buf(&mut input).await? == 0 {
                return Err("the server hung up".into());
            }
        }
    }
}

async fn bulk(job: &Job, mut stream: client::TlsStream<TcpStream>, bytes: usize) -> Result<Tally, Error> {
    let mut message = Vec::new();
    frame(&mut message, |out| {
        out.resize(out.len() + bytes, 0x5a);
        Ok(())
    })?;
    let period = job.period();
    let mut ends = [(0, period.begin); 2];
    let mut until = period.begin;
    for end in &mut ends {
        while Instant::now() < until {
            stream.write_all(&message).await?;
        }
        // An empty message asks for the total.
        stream.write_all(&[0; 4]).await?;
        stream.flush().await?;
        *end = (stream.read_u64().await?, Instant::now());
        // What was queued before may have taken its time.
        until = end.1 + (period.end - period.begin);
    }
    let [(before, begin), (after, end)] = ends;
    let calls = (after - before) / bytes as u64;
    Ok(Tally { calls, seconds: Some((end - begin).as_secs_f64()), ..Tally::default() })
}

async fn idle(job: &Job, connector: &TlsConnector, wanted: usize) -> Result<Tally, Error> {
    let connections = idle::possible(wanted);
    let before = own_memory(job.ready.pid)?;
    let mut held = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut stream = tls::connect(job.ready.address, connector).await?;
        let mut frame = *b"\0\0\0\x08one echo";
        stream.write_all(&frame).await?;
        stream.flush().await?;
        stream.read_exact(&mut frame).await?;
        held.push(stream);
    }
    idle::weigh(job, connections, before)
}
