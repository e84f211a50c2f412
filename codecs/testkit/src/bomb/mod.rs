//! Few bytes that ask for much: refused soon, in little memory, and on a small stack.

mod cases;
mod table;

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulla_core::codec::{Codec, DecodeError, DecodeLimits, ErasedCodec, guard};
use serde::de::DeserializeOwned;

pub use self::cases::{Case, bincode, cbor, json, msgpack, pickle, postcard, xml, yaml};
pub use self::table::Row;

/// The stack of the threads that decode: what `std::thread` gives by default.
const STACK: usize = 2 << 20;
/// The most memory that a refusal may take, in bytes.
pub const MEMORY: usize = 64 << 20;
/// The most time of the processor that a refusal may take. Builds that are not optimised need more.
pub const TIME: Duration = if cfg!(debug_assertions) { Duration::from_secs(5) } else { Duration::from_millis(100) };

/// How to ask an allocator that counts: that of the crate `peak_alloc`, say.
///
/// ```
/// use bulla_codec_testkit::bomb::Range;
/// # struct PeakAlloc;
/// # impl PeakAlloc { fn current_usage(&self) -> usize { 0 } fn peak_usage(&self) -> usize { 0 } fn reset_peak_usage(&self) {} }
/// // With `#[global_allocator]`, in a test binary of its own.
/// static ALLOCATOR: PeakAlloc = PeakAlloc;
///
/// const RANGE: Range = Range {
///     reset: || {
///         ALLOCATOR.reset_peak_usage();
///         ALLOCATOR.current_usage()
///     },
///     peak: || ALLOCATOR.peak_usage(),
/// };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Forgets the peak; gives the bytes in use.
    pub reset: fn() -> usize,
    /// The most bytes in use since then.
    pub peak: fn() -> usize,
}

/// The range, and nobody else on it: an allocator counts for the whole process.
#[derive(Debug)]
pub struct Alone {
    range: Range,
    _guard: MutexGuard<'static, ()>,
}

impl Range {
    /// Waits for the range. A test does so before it builds its bombs, which count as well.
    #[must_use]
    pub fn alone(self) -> Alone {
        static GUARD: Mutex<()> = Mutex::new(());
        Alone { range: self, _guard: GUARD.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl Alone {
    /// Decodes a bomb both ways, each on a thread with a stack of 2 MiB, and gives the refusal of the compiled one.
    ///
    /// # Panics
    /// If the codec takes the bomb, or more than 100 ms or 64 MiB to refuse it.
    pub fn refusal<T: DeserializeOwned + Debug>(&self, codec: &impl Codec, bomb: &[u8]) -> DecodeError {
        let limits = DecodeLimits::DEFAULT;
        let erased =
            self.measure(|| (codec as &dyn ErasedCodec).decode_as::<T>(bomb, limits).map(drop)).within_bounds();
        assert!(erased.is_err(), "the erased way took it");
        let compiled = self.measure(|| guard::decode(codec, bomb, PhantomData::<T>, limits).map(drop)).within_bounds();
        compiled.expect_err("the compiled way took it")
    }

    fn measure<T: Send>(&self, decode: impl FnOnce() -> T + Send) -> Measured<T> {
        let before = (self.range.reset)();
        let (result, time) = on_small_stack(decode);
        let memory = (self.range.peak)().saturating_sub(before);
        Measured { result, time, memory }
    }
}

/// What a decode gave and took.
struct Measured<T> {
    result: T,
    time: Duration,
    memory: usize,
}

impl<T> Measured<T> {
    fn within_bounds(self) -> T {
        assert!(self.time < TIME, "refused after {:?}", self.time);
        assert!(self.memory < MEMORY, "refused with {} bytes", self.memory);
        self.result
    }
}

/// Runs it on a thread of its own, and gives the time that it took there.
fn on_small_stack<T: Send>(run: impl FnOnce() -> T + Send) -> (T, Duration) {
    let timed = || {
        let start = processor_time();
        let result = run();
        (result, processor_time().saturating_sub(start))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, timed).expect("a thread to run");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The time that this thread has had of a processor: others that are busy do not count.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The time on the wall, where there is no other.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}
