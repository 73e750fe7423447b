//! Templates that are ready to be rendered: those of the folder, taken up anew when its files change, and those that callers
//! bring along.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use crate::campaign::{Gatherer, Outcome, Personalizer, RenderThreads, StockWatch};
use crate::error::{ErrorKind, Result};
use crate::render::{Isolation, Renderer, Template};
use crate::voucher::{Channel, Claims, Lookup};

/// How long the files of the folder are taken to be as they were seen last.
const FRESH: Duration = Duration::from_secs(1);
/// How many templates of the folder are kept ready.
const NAMED: usize = 1_000;
/// How many of those that callers bring along are kept ready.
const INLINE: usize = 64;
/// What a template that a caller brings along is called in errors.
const INLINE_NAME: &str = "inline";
/// How deep folders are searched for files that change.
const LEVELS: usize = 8;

/// The templates of a service.
pub struct Templates {
    folder: PathBuf,
    renderer: Arc<Renderer>,
    claims: Arc<dyn Claims>,
    lookup: Arc<dyn Lookup>,
    watch: Option<StockWatch>,
    threads: Arc<RenderThreads>,
    runtime: Handle,
    /// Who renders what callers bring along.
    stranger: Arc<Renderer>,
    named: Shelf<(String, Channel)>,
    inline: Shelf<([u8; 32], Channel)>,
    seen: tokio::sync::Mutex<Option<Sight>>,
}

/// What the folder looked like.
struct Sight {
    at: Instant,
    files: u64,
}

/// A template with what it takes to personalise messages of it.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) template: Arc<Template>,
    /// For many messages that come together.
    pub(super) personalizer: Personalizer,
    /// For messages that come one by one.
    pub(super) gatherer: Gatherer,
    /// Whether it comes often enough to keep the memory of its messages.
    recycles: bool,
}

impl Ready {
    /// Takes an outcome back that is done with: the next messages are written into its memory.
    pub(super) fn recycle(&self, outcome: Outcome) {
        if self.recycles {
            self.gatherer.recycle(outcome);
        }
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Templates {
    /// The templates of a folder, for messages with vouchers of this store. The folder need not exist yet. Single messages are
    /// worked on in the runtime of tokio that this is called in.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the system gives no threads to render on.
    pub fn new(
        folder: impl Into<PathBuf>,
        renderer: Renderer,
        claims: Arc<dyn Claims>,
        lookup: Arc<dyn Lookup>,
        watch: Option<StockWatch>,
    ) -> Result<Templates> {
        let folder = folder.into();
        let renderer = Arc::new(renderer.in_folder(&folder));
        let threads = Arc::new(RenderThreads::for_this_machine()?);
        let stranger = Arc::clone(&renderer);
        let (named, inline) = (Shelf::new(NAMED), Shelf::new(INLINE));
        Ok(Templates {
            folder,
            renderer,
            claims,
            lookup,
            watch,
            threads,
            runtime: Handle::current(),
            stranger,
            named,
            inline,
            seen: tokio::sync::Mutex::default(),
        })
    }

    /// Has what callers bring along compiled and rendered in child processes only.
    #[must_use]
    pub fn isolating(mut self, isolation: Isolation) -> Templates {
        self.stranger = Arc::new(Renderer::clone(&self.renderer).isolated(isolation));
        self
    }

    /// The template of that name for a channel.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the folder has no such template, or not for this channel; [`ErrorKind::Template`]
    /// where it does not compile.
    pub(super) async fn find(&self, name: &str, channel: Channel) -> Result<Arc<Ready>> {
        self.look().await;
        let (renderer, name) = (Arc::clone(&self.renderer), name.to_owned());
        let key = (name.clone(), channel);
        self.named.get(key, self.make(true, move || renderer.load(&name, channel))).await
    }

    /// A template that a caller brings along, as the source of every part. It may include the folder's partials.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where a part is missing or unknown; [`ErrorKind::Template`] where one does not compile.
    pub(super) async fn compile(&self, parts: &BTreeMap<String, String>, channel: Channel) -> Result<Arc<Ready>> {
        self.look().await;
        let (renderer, key) = (Arc::clone(&self.stranger), (hash(parts), channel));
        let parts = parts.clone();
        self.inline.get(key, self.make(false, move || renderer.compile(INLINE_NAME, channel, parts))).await
    }

    /// How many single messages wait for their batch.
    pub(super) fn waiting(&self) -> usize {
        self.named.ready().chain(self.inline.ready()).map(|ready| ready.gatherer.waiting()).sum()
    }

    /// Who hears that a pool becomes low.
    pub(super) fn watch(&self) -> Option<StockWatch> {
        self.watch.clone()
    }

    /// The threads that render.
    pub(super) fn threads(&self) -> &RenderThreads {
        &self.threads
    }

    async fn make(
        &self,
        recycles: bool,
        compile: impl FnOnce() -> Result<Template> + Send + 'static,
    ) -> Result<Arc<Ready>> {
        let template = Arc::new(self.threads.once(compile).await??);
        let (claims, lookup) = (Arc::clone(&self.claims), Arc::clone(&self.lookup));
        let personalizer = Personalizer::new(Arc::clone(&template), claims, lookup, Arc::clone(&self.threads));
        let personalizer = personalizer.watched_by(self.watch.clone());
        let gatherer = Gatherer::new(personalizer.clone(), self.runtime.clone());
        Ok(Arc::new(Ready { template, gatherer, personalizer, recycles }))
    }

    /// Forgets everything if a file of the folder has changed since somebody looked, at most once a second.
    async fn look(&self) {
        // Whoever looks now does it for all.
        let Ok(mut seen) = self.seen.try_lock() else { return };
        if seen.as_ref().is_some_and(|sight| sight.at.elapsed() < FRESH) {
            return;
        }
        let folder = self.folder.clone();
        let Ok(files) = tokio::task::spawn_blocking(move || fingerprint(&folder)).await else { return };
        if seen.as_ref().is_some_and(|sight| sight.files != files) {
            self.named.clear();
            self.inline.clear();
        }
        *seen = Some(Sight { at: Instant::now(), files });
    }
}

/// Which files there are below a folder, how long they are, and when they were written.
fn fingerprint(folder: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    add_files(folder, LEVELS, &mut hasher);
    hasher.finish()
}

fn add_files(folder: &Path, levels: usize, hasher: &mut DefaultHasher) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        path.hash(hasher);
        if !metadata.is_dir() {
            (metadata.len(), metadata.modified().ok()).hash(hasher);
        } else if levels > 0 {
            add_files(&path, levels - 1, hasher);
        }
    }
}

fn hash(parts: &BTreeMap<String, String>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in parts.iter().flat_map(|(part, source)| [part, source]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// Templates that are ready, each compiled once however many ask for it at a time. The one that was not asked for the longest
/// makes room for another.
struct Shelf<K> {
    room: usize,
    places: Mutex<HashMap<K, Place>>,
}

type Made = Arc<OnceCell<Result<Arc<Ready>>>>;

struct Place {
    made: Made,
    asked: Instant,
}

impl<K: Hash + Eq + Clone> Shelf<K> {
    fn new(room: usize) -> Shelf<K> {
        Shelf { room, places: Mutex::default() }
    }

    /// What stands there, or else what `make` gives. That a template does not compile is remembered like a template; every other
    /// error may have gone when somebody asks again.
    async fn get(&self, key: K, make: impl Future<Output = Result<Arc<Ready>>>) -> Result<Arc<Ready>> {
        let made = self.place(&key);
        match made.get_or_init(|| make).await {
            Ok(ready) => Ok(Arc::clone(ready)),
            Err(error) => {
                if error.kind() != ErrorKind::Template {
                    self.remove(&key, &made);
                }
                Err(error.retold())
            }
        }
    }

    fn place(&self, key: &K) -> Made {
        let mut places = self.places();
        if let Some(place) = places.get_mut(key) {
            place.asked = Instant::now();
            return Arc::clone(&place.made);
        }
        if places.len() >= self.room {
            let oldest = places.iter().min_by_key(|(_, place)| place.asked).map(|(key, _)| key.clone());
            oldest.and_then(|key| places.remove(&key));
        }
        let made = Made::default();
        places.insert(key.clone(), Place { made: Arc::clone(&made), asked: Instant::now() });
        made
    }

    fn remove(&self, key: &K, made: &Made) {
        let mut places = self.places();
        if places.get(key).is_some_and(|place| Arc::ptr_eq(&place.made, made)) {
            places.remove(key);
        }
    }

    /// Those that are ready by now.
    fn ready(&self) -> impl Iterator<Item = Arc<Ready>> {
        let ready = |place: &Place| place.made.get()?.as_ref().ok().cloned();
        self.places().values().filter_map(ready).collect::<Vec<_>>().into_iter()
    }

    fn clear(&self) {
        self.places().clear();
    }

    fn places(&self) -> MutexGuard<'_, HashMap<K, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
