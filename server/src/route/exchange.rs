//! One call as its loop and its handler both see it: a call of one message each way is the plainest case.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use bulla_core::connection::{EVENT_COST, StreamId};
use bulla_core::intercept::Endings;
use bulla_core::status::Status;

use crate::event_loop::{PeerKey, is_loop_thread};
use crate::metrics::Metrics;
use crate::route::call::log_panic;
use crate::route::lanes::{Lanes, Next, Often, Once, Taker};
use crate::route::{Consumed, Flow, Note, Owed, Shape, Sink, Turn, Wait, silent};
use crate::sync::lock;

/// Messages that a callback takes in a row before other jobs have their turn.
const BATCH: usize = 32;

/// The handler said that it is done.
const ENDED: u8 = 1;
/// How it ended is counted already.
const COUNTED: u8 = 2;

thread_local! {
    /// This thread is a worker that has a taker.
    static IN_TAKER: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as one that has a taker, as long as it lives.
struct InTaker;

impl InTaker {
    fn enter() -> Self {
        IN_TAKER.set(true);
        Self
    }
}

impl Drop for InTaker {
    fn drop(&mut self) {
        IN_TAKER.set(false);
    }
}

/// One call as its loop and its handler both see it.
pub(crate) struct Exchange {
    sink: Arc<dyn Sink>,
    pub(crate) peer: PeerKey,
    pub(crate) stream: StreamId,
    pub(crate) shape: Shape,
    pub(crate) deadline: Option<Instant>,
    /// Nobody waits for it any more.
    cancelled: AtomicBool,
    /// A handler has it.
    started: AtomicBool,
    /// `ENDED` and `COUNTED`.
    marks: AtomicU8,
    /// A handler panicked: what it drops ends nothing well.
    poisoned: AtomicBool,
    /// Interceptors that want to hear how it ended, if there are any.
    endings: Option<Mutex<Endings>>,
    /// Of no use to a call of one message each way that goes well, which does without.
    sides: OnceLock<Box<Sides>>,
}

/// What the loop and the handler's threads lock.
#[derive(Default)]
struct Sides {
    lanes: Mutex<Lanes>,
    changed: Condvar,
}

/// Why a message found no room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// Later there may be some.
    Full,
    /// There will be none.
    Over(Status),
}

impl Exchange {
    pub(crate) fn new(
        sink: Arc<dyn Sink>,
        (peer, stream): (PeerKey, StreamId),
        shape: Shape,
        deadline: Option<Instant>,
        endings: Endings,
    ) -> Self {
        Self {
            sink,
            peer,
            stream,
            shape,
            deadline,
            cancelled: AtomicBool::new(false),
            started: AtomicBool::new(false),
            marks: AtomicU8::new(0),
            poisoned: AtomicBool::new(false),
            endings: (!endings.is_empty()).then(|| Mutex::new(endings)),
            sides: OnceLock::new(),
        }
    }

    fn sides(&self) -> &Sides {
        self.sides.get_or_init(Box::default)
    }

    /// Whether anybody may wait, or want to be called back.
    fn has_sides(&self) -> bool {
        self.shape != Shape::Call || self.sides.get().is_some()
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        lock(&self.sides().lanes)
    }

    /// As [`lanes`](Self::lanes), for whoever wants to be called back: sees the end, or is seen by whoever ends it.
    fn listen(&self) -> MutexGuard<'_, Lanes> {
        let lanes = self.lanes();
        fence(Ordering::SeqCst);
        lanes
    }

    // For the handler: what it says

    /// Tells the connection something.
    pub(crate) fn say(self: &Arc<Self>, mut note: Note) {
        let mut counts = false;
        if note.end.is_some() {
            counts = self.marks.fetch_or(ENDED | COUNTED, Ordering::SeqCst) & COUNTED == 0;
            if self.has_sides() {
                note.consumed.add(self.shut());
            }
        }
        self.sink.accept(self, note, counts);
    }

    /// After the end nothing is taken or called back any more. What was to be called may hold on to the call itself.
    fn shut(self: &Arc<Self>) -> Consumed {
        let mut lanes = self.lanes();
        let consumed = lanes.close();
        let forgotten = std::mem::take(&mut lanes.callbacks);
        self.announce(lanes);
        drop(forgotten);
        consumed
    }

    /// Takes room for a message of `length` bytes. Waits for it as long as it may, though never on a loop, which makes it.
    pub(crate) fn reserve(&self, flow: &Flow, length: usize, mut wait: Wait) -> Result<(), NoRoom> {
        let cost = length + EVENT_COST;
        let mut lanes = self.lanes();
        loop {
            if let Some(status) = lanes.over() {
                return Err(NoRoom::Over(status.clone()));
            }
            if flow.has_room(lanes.unsent, cost) {
                lanes.unsent += cost;
                lanes.full |= IN_TAKER.get() && !flow.is_low(lanes.unsent);
                flow.post(cost);
                return Ok(());
            }
            self.check_silence(&mut wait, "took");
            if is_loop_thread() || wait.is_over() {
                lanes.wants_room = Some(cost);
                return Err(NoRoom::Full);
            }
            if IN_TAKER.get() {
                return self.exceed(lanes, flow, cost);
            }
            lanes = self.wait(lanes, wait);
        }
    }

    /// A taker runs on a worker, which no peer may hold: what it sends finds room once more, and its next message waits.
    fn exceed(&self, mut lanes: MutexGuard<'_, Lanes>, flow: &Flow, cost: usize) -> Result<(), NoRoom> {
        if !flow.may_exceed(lanes.unsent) {
            lanes.wants_room = Some(cost);
            return Err(NoRoom::Full);
        }
        lanes.full = true;
        lanes.unsent += cost;
        flow.post(cost);
        Ok(())
    }

    /// Whether there is room for a message of `length` bytes now. If not, it is called back for.
    pub(crate) fn has_room(&self, flow: &Flow, length: usize) -> bool {
        let cost = length + EVENT_COST;
        let mut lanes = self.lanes();
        let has_room = lanes.over().is_some() || flow.has_room(lanes.unsent, cost);
        if !has_room {
            lanes.wants_room = Some(cost);
        }
        has_room
    }

    /// Whether the whole server has room for that many bytes more.
    pub(crate) fn has_room_on_server(&self, bytes: usize) -> bool {
        self.sink.has_room(bytes)
    }

    // For the handler: what it hears

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.lanes().draining
    }

    /// Runs `callback` when nobody waits for the call any more: at once, if that is so; never, once it has ended.
    pub(crate) fn on_cancel(&self, callback: Once) {
        let mut lanes = self.listen();
        if self.is_cancelled() {
            drop(lanes);
            callback();
        } else if !self.has_ended() {
            lanes.callbacks.on_cancel.push(callback);
        }
    }

    /// Runs `callback` when the server begins to drain: at once, if it does; never, once the call has ended.
    pub(crate) fn on_drain(&self, callback: Once) {
        let mut lanes = self.listen();
        if lanes.draining {
            drop(lanes);
            callback();
        } else if !self.has_ended() && lanes.over().is_none() {
            lanes.callbacks.on_drain.push(callback);
        }
    }

    /// Runs `callback` whenever there is room again after there was none.
    pub(crate) fn on_room(&self, flow: &Flow, callback: Often) {
        let mut lanes = self.listen();
        let before = lanes.callbacks.on_room.replace(callback);
        self.run_on_room(lanes, flow);
        drop(before);
    }

    /// Whether the handler said that it is done.
    pub(crate) fn has_ended(&self) -> bool {
        self.marks.load(Ordering::Relaxed) & ENDED != 0
    }

    /// What the peer sent next; the messages behind it are moved into `fetched`, which is empty.
    pub(crate) fn fetch(&self, fetched: &mut VecDeque<Vec<u8>>) -> Next {
        self.lanes().fetch(fetched)
    }

    /// Waits until there is something to fetch, as long as it may; `false` if there is nothing.
    pub(crate) fn wait_for_input(&self, mut wait: Wait) -> bool {
        let mut lanes = self.lanes();
        while !lanes.has_next() {
            self.check_silence(&mut wait, "sent");
            if wait.is_over() {
                return false;
            }
            lanes = self.wait(lanes, wait);
        }
        true
    }

    /// Gives up on a peer that has been waited for as long as may be. The wait goes on, until its loop says that the stream is over.
    fn check_silence(&self, wait: &mut Wait, did: &str) {
        if let Wait::Patiently(_, limit) = *wait
            && wait.is_over()
        {
            *wait = Wait::Forever;
            self.sink.give_up(self, silent(did, limit));
        }
    }

    /// The handler takes no more: what waits, and what still comes, is dropped.
    pub(crate) fn close_inbox(self: &Arc<Self>) {
        let consumed = self.lanes().close();
        if consumed.messages > 0 {
            self.say(Note::consumed(consumed));
        }
    }

    /// From now on `taker` takes the peer's messages, on the workers: first those that were fetched and nobody has had.
    pub(crate) fn hand_to(self: &Arc<Self>, fetched: VecDeque<Vec<u8>>, taker: Taker) {
        let mut lanes = self.lanes();
        let dropped = lanes.put_back(fetched);
        lanes.taker = Some(taker);
        self.announce(lanes);
        if dropped.messages > 0 {
            self.say(Note::consumed(dropped));
        }
    }

    fn wait<'a>(&self, mut lanes: MutexGuard<'a, Lanes>, wait: Wait) -> MutexGuard<'a, Lanes> {
        lanes.waiting += 1;
        let mut lanes = match wait.left() {
            None => self.sides().changed.wait(lanes).unwrap_or_else(PoisonError::into_inner),
            Some(left) => self.sides().changed.wait_timeout(lanes, left).unwrap_or_else(PoisonError::into_inner).0,
        };
        lanes.waiting -= 1;
        lanes
    }

    // For whoever runs it

    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Lets the taker take what there is, a batch at most.
    pub(crate) fn resume(self: &Arc<Self>) {
        let _here = InTaker::enter();
        let mut owed = Owed::new(self, usize::MAX);
        for _ in 0..BATCH {
            let mut lanes = self.lanes();
            let Some(mut taker) = lanes.taker.take() else { return };
            if lanes.hold() {
                lanes.taker = Some(taker);
                return;
            }
            let next = lanes.next();
            if next == Next::Nothing {
                lanes.taking = false;
                lanes.taker = Some(taker);
                return;
            }
            drop(lanes);
            // A panic drops the taker, and all that it holds.
            match next {
                Next::Message(message) => {
                    owed.owe(message.len());
                    taker(Some(Ok(message)));
                }
                Next::Error(status) => taker(Some(Err(status))),
                Next::End | Next::Nothing => return taker(None),
            }
            self.lanes().taker = Some(taker);
        }
        self.sink.resume(Turn::new(self));
    }

    /// Nobody will call the taker.
    pub(crate) fn drop_taker(&self) {
        let taker = self.lanes().taker.take();
        drop(taker);
    }

    /// A handler panicked.
    pub(crate) fn poison(self: &Arc<Self>) {
        self.poisoned.store(true, Ordering::Relaxed);
        self.close_inbox();
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed)
    }

    /// Counts how it ended, and tells the interceptors: the first time alone, since a call ends once, whoever ends it.
    pub(crate) fn conclude(&self, metrics: &Metrics, outcome: Result<(), &Status>) {
        if self.marks.fetch_or(COUNTED, Ordering::Relaxed) & COUNTED == 0 {
            self.tell_end(metrics, outcome);
        }
    }

    /// As [`conclude`](Self::conclude), by whoever knows that it is the first time.
    pub(crate) fn tell_end(&self, metrics: &Metrics, outcome: Result<(), &Status>) {
        metrics.call_ended(outcome);
        if let Some(endings) = &self.endings {
            std::mem::take(&mut *lock(endings)).tell(outcome);
        }
    }

    // For the loop

    /// A message came; `false` if nobody takes it.
    pub(crate) fn push(self: &Arc<Self>, message: Vec<u8>) -> bool {
        let mut lanes = self.lanes();
        let kept = lanes.push(message);
        self.announce(lanes);
        kept
    }

    /// The peer sends no more.
    pub(crate) fn end_input(self: &Arc<Self>) {
        let mut lanes = self.lanes();
        lanes.end();
        self.announce(lanes);
    }

    /// It is over, for a reason of the peer's, the network's or the clock's. Gives what was not taken.
    pub(crate) fn cancel(self: &Arc<Self>, status: Status) -> Consumed {
        self.cancelled.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !self.has_sides() {
            return Consumed::default();
        }
        let mut lanes = self.lanes();
        let consumed = lanes.cancel(status);
        let callbacks = std::mem::take(&mut lanes.callbacks);
        self.announce(lanes);
        callbacks.on_cancel.into_iter().for_each(call_back);
        consumed
    }

    /// The server drains.
    pub(crate) fn drain(&self) {
        let mut lanes = self.lanes();
        lanes.draining = true;
        let callbacks = std::mem::take(&mut lanes.callbacks.on_drain);
        drop(lanes);
        callbacks.into_iter().for_each(call_back);
    }

    /// So many bytes of what the handler sent are in records now.
    pub(crate) fn handle_sent(self: &Arc<Self>, flow: &Flow, bytes: usize) {
        let mut lanes = self.lanes();
        lanes.unsent = lanes.unsent.saturating_sub(bytes);
        if flow.is_low(lanes.unsent) {
            self.offer_room(lanes, flow);
        }
    }

    /// There may be room on the connection.
    pub(crate) fn handle_room(self: &Arc<Self>, flow: &Flow) {
        self.offer_room(self.lanes(), flow);
    }

    fn offer_room(self: &Arc<Self>, mut lanes: MutexGuard<'_, Lanes>, flow: &Flow) {
        let waiting = lanes.waiting > 0;
        let due = lanes.full && flow.is_low(lanes.unsent) && flow.has_room(lanes.unsent, 1) && lanes.release();
        self.run_on_room(lanes, flow);
        if due {
            self.sink.resume(Turn::new(self));
        }
        if waiting {
            self.sides().changed.notify_all();
        }
    }

    fn run_on_room<'a>(&'a self, mut lanes: MutexGuard<'a, Lanes>, flow: &Flow) {
        // For what was refused, not for less: whoever is called would be refused again, and called again, for ever.
        while lanes.wants_room.is_some_and(|cost| flow.is_low(lanes.unsent) && flow.has_room(lanes.unsent, cost)) {
            let Some(mut callback) = lanes.callbacks.on_room.take() else { return };
            lanes.wants_room = None;
            drop(lanes);
            call_back(&mut callback);
            lanes = self.lanes();
            if self.has_ended() || lanes.over().is_some() || lanes.callbacks.on_room.is_some() {
                drop(lanes);
                return drop(callback);
            }
            lanes.callbacks.on_room = Some(callback);
        }
    }

    /// Wakes who waits for a change, and sees to it that a taker is called.
    fn announce(self: &Arc<Self>, mut lanes: MutexGuard<'_, Lanes>) {
        let (waiting, due) = (lanes.waiting > 0, lanes.call_taker());
        // Whoever is woken wants the lock.
        drop(lanes);
        if waiting {
            self.sides().changed.notify_all();
        }
        if due {
            self.sink.resume(Turn::new(self));
        }
    }
}

/// What is called back runs on a loop, which must survive it.
fn call_back(callback: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(callback)) {
        log_panic("a callback", &*panic);
    }
}
