//! Few bytes that ask for much: refused soon, in little memory, and on a small stack.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bulla_core::codec::{Codec, DecodeError, DecodeLimits, ErasedCodec, guard};
use serde::de::DeserializeOwned;

/// The stack of the threads that decode: what `std::thread` gives by default.
const STACK: usize = 2 << 20;
/// The most memory that a refusal may take.
const MEMORY: usize = 64 << 20;
/// The most time that a refusal may take. Builds that are not optimised, on a machine that is busy, need more.
const TIME: Duration = if cfg!(debug_assertions) { Duration::from_secs(5) } else { Duration::from_millis(100) };

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
        let erased = self.measure(|| (codec as &dyn ErasedCodec).decode_as::<T>(bomb, limits).map(drop));
        assert!(erased.is_err(), "the erased way took it");
        let compiled = self.measure(|| guard::decode(codec, bomb, PhantomData::<T>, limits).map(drop));
        compiled.expect_err("the compiled way took it")
    }

    fn measure<T: Send>(&self, decode: impl FnOnce() -> T + Send) -> T {
        let before = (self.range.reset)();
        let start = Instant::now();
        let result = on_small_stack(decode);
        let (time, memory) = (start.elapsed(), (self.range.peak)().saturating_sub(before));
        assert!(time < TIME, "refused after {time:?}");
        assert!(memory < MEMORY, "refused with {memory} bytes");
        result
    }
}

fn on_small_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run).expect("a thread to run");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
