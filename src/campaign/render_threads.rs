//! The threads that render. Rendering is pure and never waits, so there are as many as cores.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};

/// The stack of a render thread: deep enough for every nesting that the limits allow.
const STACK_BYTES: usize = 16 << 20;
/// The fewest messages that are worth handing to another thread.
const SMALLEST_SHARE: usize = 16;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that render. They end when this is dropped.
#[derive(Debug)]
pub struct RenderThreads {
    jobs: Sender<Job>,
    count: usize,
    /// For how many nanoseconds all of them together have rendered.
    busy: Arc<AtomicU64>,
}

impl RenderThreads {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the system gives no thread.
    pub fn start(count: NonZeroUsize) -> Result<RenderThreads> {
        let (jobs, queue) = channel::<Job>();
        let (queue, busy) = (Arc::new(Mutex::new(queue)), Arc::<AtomicU64>::default());
        for number in 0..count.get() {
            let (queue, busy) = (Arc::clone(&queue), Arc::clone(&busy));
            let builder = thread::Builder::new().name(format!("render-{number}")).stack_size(STACK_BYTES);
            builder.spawn(move || work(&queue, &busy)).map_err(|error| {
                Error::new(ErrorKind::Io, format!("cannot start a render thread: {error}")).with_source(error)
            })?;
        }
        Ok(RenderThreads { jobs, count: count.get(), busy })
    }

    /// As many threads as there are cores.
    ///
    /// # Errors
    /// As for [`RenderThreads::start`].
    pub fn for_this_machine() -> Result<RenderThreads> {
        RenderThreads::start(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// How long they have rendered by now, all of them together.
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Ordering::Relaxed))
    }

    /// Applies `render` to every item, in shares over the threads, and gives the items back in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] where a render panicked.
    pub(super) async fn each<T: Send + 'static>(
        &self,
        items: Vec<T>,
        render: impl Fn(&mut T) + Clone + Send + 'static,
    ) -> Result<Vec<T>> {
        self.in_shares(items, move |share| share.iter_mut().for_each(&render)).await
    }

    /// Applies `render` to the items, share by share over the threads, and gives the items back in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] where a render panicked.
    pub(super) async fn in_shares<T: Send + 'static>(
        &self,
        mut items: Vec<T>,
        render: impl Fn(&mut [T]) + Clone + Send + 'static,
    ) -> Result<Vec<T>> {
        let share = items.len().div_ceil(self.count).max(SMALLEST_SHARE);
        let mut answers = Vec::new();
        while !items.is_empty() {
            let rest = items.split_off(share.min(items.len()));
            answers.push(self.submit(std::mem::replace(&mut items, rest), render.clone())?);
        }
        let mut done = Vec::new();
        for answer in answers {
            done.extend(answer.await.map_err(|_| crashed())?);
        }
        Ok(done)
    }

    /// Does something else that needs a deep stack, or would hold up whoever waits for the network: compiling, say.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] where it panicked.
    pub(crate) async fn once<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.begin(job)?.await.map_err(|_| crashed())
    }

    fn submit<T: Send + 'static>(
        &self,
        mut items: Vec<T>,
        render: impl Fn(&mut [T]) + Send + 'static,
    ) -> Result<oneshot::Receiver<Vec<T>>> {
        self.begin(move || {
            render(&mut items);
            items
        })
    }

    fn begin<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<oneshot::Receiver<T>> {
        let (answer, receiver) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(job());
        });
        self.jobs.send(job).map_err(|_| Error::new(ErrorKind::Template, "the render threads have ended"))?;
        Ok(receiver)
    }
}

fn crashed() -> Error {
    Error::new(ErrorKind::Template, "the renderer crashed on a template")
}

fn work(queue: &Mutex<Receiver<Job>>, busy: &AtomicU64) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A panic costs its own job: its answer is never sent, and whoever waits for it sees that.
        let began = Instant::now();
        let _ = catch_unwind(AssertUnwindSafe(job));
        busy.fetch_add(u64::try_from(began.elapsed().as_nanos()).unwrap_or_default(), Ordering::Relaxed);
    }
}
