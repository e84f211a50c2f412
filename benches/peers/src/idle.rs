//! What connections cost a server that do nothing.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use crate::Error;
use crate::job::Job;
use crate::meter::Tally;
use crate::process::{own_memory, raise_descriptors};

/// Descriptors of a process besides its connections.
const SPARE: usize = 64;

/// How long the server may take to put its things in order before its memory is read.
const SETTLE: Duration = Duration::from_millis(500);

/// How many connections there can be.
pub(crate) fn possible(wanted: usize) -> usize {
    wanted.min(raise_descriptors().saturating_sub(SPARE))
}

/// Makes connections one after the other, each of which does one echo, and takes the server's memory before and after.
pub(crate) fn measure<C>(
    job: &Job,
    wanted: usize,
    mut connect: impl FnMut() -> Result<C, Error>,
) -> Result<Tally, Error> {
    let connections = possible(wanted);
    let before = own_memory(job.ready.pid)?;
    let held = (0..connections).map(|_| connect()).collect::<Result<Vec<C>, Error>>()?;
    let tally = weigh(job, connections, before);
    drop(held);
    tally
}

/// The tally of so many connections that stand, given the server's memory before there were any.
pub(crate) fn weigh(job: &Job, connections: usize, before: u64) -> Result<Tally, Error> {
    thread::sleep(SETTLE);
    let after = own_memory(job.ready.pid)?;
    Ok(Tally { idle: Some((connections, after.saturating_sub(before))), ..Tally::default() })
}

/// Sends a frame of a few bytes, and waits until it is back.
pub(crate) fn echo_frame(stream: &mut (impl Read + Write)) -> Result<(), Error> {
    let mut frame = *b"\0\0\0\x08one echo";
    stream.write_all(&frame)?;
    Ok(stream.read_exact(&mut frame)?)
}
