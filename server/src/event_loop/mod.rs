//! One event loop: a selector, its connections, their timers, and a mailbox for what other threads have to say.

mod calls;
mod mailbox;
mod peer;
mod port;
mod rest;
mod stranger;
mod timers;

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::event::{Event, Source};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

pub(crate) use self::mailbox::Mailbox;
use self::peer::Peer;
pub(crate) use self::port::{Mail, Port};
use self::rest::Circle;
use self::timers::Timers;
pub(crate) use self::timers::after;
use crate::capacity::no_room;
use crate::route::Job;
use crate::shared::Shared;
use crate::shares::Owned;

/// The bytes that one read may bring.
const SCRATCH: usize = 64 << 10;

/// Names one connection of the server for ever: slots of its loop are used again, serials are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PeerKey {
    pub(crate) slot: usize,
    pub(crate) serial: u64,
}

/// One event loop. It ends when it is told to stop, or when it drains and the last connection is gone.
pub(crate) struct EventLoop {
    poll: Poll,
    peers: Slab<Peer>,
    desk: Desk,
    /// Connections with something to flush, or to be looked after.
    dirty: Vec<usize>,
    /// Connections with more to read or to write than one turn allows.
    backlog: Vec<usize>,
    awake: Circle,
    inbox: Vec<Mail>,
    /// When a drain gives up.
    drain_until: Option<Instant>,
    stopping: bool,
}

thread_local! {
    static ON_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs an event loop, which must not wait for anything.
pub(crate) fn is_loop_thread() -> bool {
    ON_LOOP.get()
}

/// What the connections of one loop share during a turn.
pub(crate) struct Desk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) port: Arc<Port>,
    /// Read once a turn.
    pub(crate) now: Instant,
    pub(crate) scratch: Vec<u8>,
    pub(crate) out: Vec<u8>,
    /// For the workers, at the end of the turn.
    pub(crate) jobs: VecDeque<Job>,
    /// For the workers, too, and not to be refused: each goes on with a stream.
    pub(crate) resumes: VecDeque<Job>,
    /// For threads of their own.
    pub(crate) streams: VecDeque<Owned<Job>>,
    pub(crate) timers: Timers,
    pub(crate) draining: bool,
}

impl EventLoop {
    pub(crate) fn new(poll: Poll, shared: Arc<Shared>, port: Arc<Port>) -> Self {
        let desk = Desk {
            shared,
            port,
            now: Instant::now(),
            scratch: vec![0; SCRATCH],
            out: Vec::new(),
            jobs: VecDeque::new(),
            resumes: VecDeque::new(),
            streams: VecDeque::new(),
            timers: Timers::default(),
            draining: false,
        };
        Self {
            poll,
            peers: Slab::new(),
            desk,
            dirty: Vec::new(),
            backlog: Vec::new(),
            awake: Circle::default(),
            inbox: Vec::new(),
            drain_until: None,
            stopping: false,
        }
    }

    pub(crate) fn port(&self) -> Arc<Port> {
        Arc::clone(&self.desk.port)
    }

    /// Turns until the end. `true` if no call was left unanswered.
    pub(crate) fn run(mut self) -> bool {
        ON_LOOP.set(true);
        let mut events = Events::with_capacity(1024);
        while !self.is_done() {
            if let Err(error) = self.turn(&mut events) {
                tracing::error!("an event loop cannot go on, and its connections are closed: {error}");
                break;
            }
        }
        let complete = self.peers.iter().all(|(_, peer)| peer.is_idle());
        self.close_all();
        complete
    }

    fn is_done(&self) -> bool {
        let too_late = self.drain_until.is_some_and(|until| until <= self.desk.now);
        self.stopping || too_late || (self.desk.draining && self.peers.is_empty())
    }

    fn turn(&mut self, events: &mut Events) -> io::Result<()> {
        let timeout = self.timeout();
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.desk.port.mailbox.rouse();
        self.desk.now = Instant::now();
        for event in events.iter() {
            self.handle_readiness(event);
        }
        for slot in std::mem::take(&mut self.backlog) {
            self.read(slot);
        }
        self.fire_timers();
        self.take_mail();
        self.submit_jobs();
        self.flush_dirty();
        self.submit_jobs();
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        // The mailbox first: once it dozes, whoever posts wakes us.
        if !self.desk.port.mailbox.doze() || !self.backlog.is_empty() {
            return Some(Duration::ZERO);
        }
        let next = [self.desk.timers.next(), self.drain_until].into_iter().flatten().min()?;
        // Rounded up: waking a moment too early would mean waking twice.
        Some(next.saturating_duration_since(self.desk.now) + Duration::from_millis(1))
    }

    fn handle_readiness(&mut self, event: &Event) {
        let Some(peer) = self.peers.get_mut(event.token().0) else { return };
        peer.note_readiness(event);
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(event.token().0);
        }
        self.touch(event.token().0);
    }

    fn read(&mut self, slot: usize) {
        if let Some(peer) = self.peers.get_mut(slot) {
            peer.queued = false;
            peer.handle_readable(&mut self.desk);
            self.touch(slot);
        }
    }

    /// Puts a connection on the list of those to look after at the end of the turn.
    fn touch(&mut self, slot: usize) {
        if let Some(peer) = self.peers.get_mut(slot)
            && !std::mem::replace(&mut peer.dirty, true)
        {
            self.dirty.push(slot);
        }
    }

    fn peer(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.peers.get_mut(key.slot).filter(|peer| peer.key == key)
    }

    fn fire_timers(&mut self) {
        while let Some(key) = self.desk.timers.take_due(self.desk.now) {
            if let Some(peer) = self.peers.get_mut(key.slot).filter(|peer| peer.key == key) {
                peer.handle_timeout(&mut self.desk);
                self.touch(key.slot);
            }
        }
    }

    fn take_mail(&mut self) {
        let mut inbox = std::mem::take(&mut self.inbox);
        self.desk.port.mailbox.take(&mut inbox);
        for mail in inbox.drain(..) {
            self.handle_mail(mail);
        }
        self.inbox = inbox;
    }

    fn handle_mail(&mut self, mail: Mail) {
        match mail {
            Mail::Connected { socket, address, ticket } => {
                if !self.desk.draining {
                    self.insert(|key, desk| Peer::new(key, socket, address, ticket, desk));
                }
            }
            Mail::Note { peer: key, stream, note } => {
                self.desk.port.take_back(&note);
                if let Some(peer) = self.peer(key) {
                    peer.handle_note(stream, note);
                    self.touch(key.slot);
                }
            }
            Mail::GiveUp { peer: key, stream, status } => {
                let (peer, desk) = (self.peers.get_mut(key.slot), &self.desk);
                if let Some(peer) = peer.filter(|peer| peer.key == key) {
                    peer.give_up(stream, &status, desk);
                    self.touch(key.slot);
                }
            }
            Mail::Resume(turn) => self.desk.resumes.push_back(Job::Resume(turn)),
            Mail::Drain { until } => self.drain(until),
            Mail::Stop => self.stopping = true,
        }
    }

    fn insert(&mut self, make: impl FnOnce(PeerKey, &mut Desk) -> Result<Peer, getrandom::Error>) {
        let entry = self.peers.vacant_entry();
        let key = PeerKey { slot: entry.key(), serial: self.desk.shared.serials.fetch_add(1, Ordering::Relaxed) };
        let mut peer = match make(key, &mut self.desk) {
            Ok(peer) => peer,
            Err(error) => return tracing::error!("no randomness, so no connection: {error}"),
        };
        if let Err(error) = peer.socket.register(self.poll.registry(), Token(key.slot), Interest::READABLE) {
            return tracing::error!("cannot watch a connection: {error}");
        }
        entry.insert(peer);
        self.touch(key.slot);
    }

    fn drain(&mut self, until: Instant) {
        self.desk.draining = true;
        self.drain_until = Some(self.drain_until.map_or(until, |before| before.min(until)));
        let slots: Vec<usize> = self.peers.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.peers[slot].go_away();
            self.touch(slot);
        }
    }

    fn submit_jobs(&mut self) {
        let desk = &mut self.desk;
        desk.shared.workers.submit_all(&mut desk.resumes);
        desk.shared.workers.submit(&mut desk.jobs);
        desk.shared.stream_threads.submit(&mut desk.streams);
        for job in desk.jobs.drain(..).chain(desk.streams.drain(..).map(|owned| owned.job)) {
            job.refuse(no_room("too many calls wait for a worker on this server"));
        }
    }

    fn flush_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for slot in dirty.drain(..) {
            let Some(peer) = self.peers.get_mut(slot) else { continue };
            peer.dirty = false;
            peer.settle(&mut self.desk, self.poll.registry());
            if peer.is_gone() {
                self.peers.remove(slot).finish(&mut self.desk);
                continue;
            }
            self.awake.wake(peer);
            if (peer.has_more_to_read() || peer.has_more_to_write()) && !std::mem::replace(&mut peer.queued, true) {
                self.backlog.push(slot);
            }
        }
        self.dirty = dirty;
        self.awake.turn(&mut self.peers);
    }

    /// The end: a CLOSE for everybody who can take it at once.
    fn close_all(mut self) {
        for mut peer in self.peers.drain() {
            peer.close_now(&mut self.desk);
            peer.finish(&mut self.desk);
        }
    }
}
