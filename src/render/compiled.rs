//! Rendering in this process: one pass of the engine over the parts of a message.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::Environment;
use minijinja::value::Value;
use sha2::{Digest, Sha256};

use super::capped::Capped;
use super::context::Root;
use super::failure::{Failure, TemplateError};
use super::known::{PreviewVouchers, VoucherSource};
use super::mentions;
use super::session::{Session, Stop};
use super::source::Source;
use super::sources::Sources;
use super::template::{PoolMention, Rendered, Rendering, Suspension};
use super::{Known, Limits, Message, allowance, one_line, plain_text};
use crate::voucher::{Catalogue, Channel};

/// A template that this process has compiled itself.
pub(super) struct Compiled {
    channel: Channel,
    parts: Vec<Part>,
    environment: Environment<'static>,
    sources: Arc<Mutex<Sources>>,
    fingerprint: String,
    limits: Limits,
}

struct Part {
    name: &'static str,
    file: String,
    /// How long its output was last time, so that the next buffer is large enough at once.
    length: AtomicUsize,
    /// Buffers to write over: those that one thread makes and another drops cost the kernel fresh pages, 7 % of a render.
    spare: Mutex<Vec<Vec<u8>>>,
}

/// How many spare buffers a part keeps, and how large each is at most.
const SPARE: usize = 4096;
const SPARE_BYTES: usize = 64 << 10;

impl Part {
    fn new(name: &'static str, file: String) -> Part {
        Part { name, file, length: AtomicUsize::new(0), spare: Mutex::default() }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn buffer(&self) -> Vec<u8> {
        let spare = self.spare().pop();
        spare.unwrap_or_else(|| Vec::with_capacity(self.length.load(Ordering::Relaxed) + 64))
    }

    fn take_back(&self, mut buffer: Vec<u8>) {
        let mut spare = self.spare();
        if spare.len() < SPARE && buffer.capacity() <= SPARE_BYTES {
            buffer.clear();
            spare.push(buffer);
        }
    }
}

impl Compiled {
    pub(super) fn new(
        channel: Channel,
        parts: Vec<(&'static str, String)>,
        environment: Environment<'static>,
        sources: Arc<Mutex<Sources>>,
        limits: Limits,
    ) -> Compiled {
        let parts = parts.into_iter().map(|(name, file)| Part::new(name, file)).collect();
        let fingerprint = fingerprint(&sources.lock().unwrap_or_else(PoisonError::into_inner).files);
        Compiled { channel, parts, environment, sources, fingerprint, limits }
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn pool_mentions(&self) -> Vec<PoolMention> {
        let mut found = Vec::new();
        for (file, source) in self.sources().files.iter() {
            for mention in mentions::pools(&source.original) {
                let error = TemplateError::at("", file, source, mention.offset, mention.name.chars().count());
                found.extend(error.place.map(|place| PoolMention { name: mention.name, place }));
            }
        }
        found
    }

    pub(super) fn printed_attributes(&self) -> BTreeSet<String> {
        self.sources().files.values().flat_map(|source| mentions::printed_paths(&source.original)).collect()
    }

    pub(super) fn render(&self, message: &Arc<Message>, known: &Arc<Known>) -> Rendering {
        self.pass(&self.session(message, Arc::clone(known) as Arc<dyn VoucherSource>, false))
    }

    pub(super) fn examine(&self, message: &Arc<Message>, known: &Arc<Known>) -> (Rendering, BTreeSet<String>) {
        let session = self.session(message, Arc::clone(known) as Arc<dyn VoucherSource>, true);
        let rendering = self.pass(&session);
        let mut missing = session.take_missing();
        for (function, _) in self.environment.globals() {
            missing.remove(function);
        }
        (rendering, missing)
    }

    pub(super) fn recycle(&self, texts: Vec<(&'static str, String)>) {
        for (name, text) in texts {
            if let Some(part) = self.parts.iter().find(|part| part.name == name && !one_line::is_one_line(name)) {
                part.take_back(text.into_bytes());
            }
        }
    }

    pub(super) fn preview(&self, message: &Arc<Message>, catalogue: &Arc<Catalogue>) -> Result<Rendered, Failure> {
        let vouchers = PreviewVouchers { catalogue: Arc::clone(catalogue), instant: message.instant };
        match self.pass(&self.session(message, Arc::new(vouchers), false)) {
            Rendering::Complete(rendered) => Ok(rendered),
            Rendering::Failed(failure) => Err(failure),
            Rendering::Suspended(_) => {
                let message = "a message to be sent cannot be previewed; make it with Purpose::Preview".to_owned();
                Err(Failure::Template(TemplateError { message, place: None }))
            }
        }
    }

    fn session(&self, message: &Arc<Message>, source: Arc<dyn VoucherSource>, tracks_missing: bool) -> Arc<Session> {
        Arc::new(Session::new(Arc::clone(message), source, self.limits.vouchers, tracks_missing))
    }

    fn pass(&self, session: &Arc<Session>) -> Rendering {
        let root = Value::from_object(Root(Arc::clone(session)));
        let mut texts = Vec::with_capacity(self.parts.len() + 1);
        let mut left = self.limits.output_bytes;
        for part in &self.parts {
            match self.part(part, root.clone(), left, session) {
                Ok(text) => {
                    left -= text.len();
                    texts.push((part.name, text));
                }
                Err(ended) => return *ended,
            }
        }
        // Who only looks at what a message asks for needs no text.
        if !session.tracks_missing {
            self.add_text(&mut texts);
        }
        Rendering::Complete(Rendered { parts: texts, vouchers: session.take_used() })
    }

    fn part(&self, part: &Part, root: Value, limit: usize, session: &Session) -> Result<String, Box<Rendering>> {
        let mut output = Capped::new(part.buffer(), limit);
        let error = self.evaluate(part, root, &mut output).err();
        if let Some(stop) = session.stopped() {
            part.take_back(output.into_bytes());
            return Err(Box::new(self.ended(stop, error.as_ref())));
        }
        match error {
            None => {
                let text = output.into_text();
                part.length.store(text.len(), Ordering::Relaxed);
                Ok(if one_line::is_one_line(part.name) { one_line::joined(&text) } else { text })
            }
            Some(error) => Err(Box::new(Rendering::Failed(if output.full {
                let limit = self.limits.output_bytes;
                let message = format!(
                    "the message is larger than the limit of {limit} bytes; shorten {}, or raise limits.output_bytes",
                    part.file
                );
                Failure::OutputTooLarge(TemplateError { message, ..self.explain(&error) })
            } else {
                Failure::Template(self.explain(&error))
            }))),
        }
    }

    /// Runs the engine on a part. Where the engine panics, which a few expressions make it do, the message fails alone.
    fn evaluate(&self, part: &Part, root: Value, output: &mut Capped) -> Result<(), minijinja::Error> {
        let evaluation = || {
            let template = self.environment.get_template(&part.file)?;
            template.render_captured_to(root, output).map(|_| ())
        };
        let caught = || catch_unwind(AssertUnwindSafe(evaluation));
        one_line::within(part.name, || allowance::within(self.limits.text_bytes, self.limits.seconds, caught))
            .unwrap_or_else(|_| {
                let message = format!(
                    "{} crashed the renderer; a slice with a negative step of something empty does, say",
                    part.file
                );
                Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
            })
    }

    fn ended(&self, stop: Stop, error: Option<&minijinja::Error>) -> Rendering {
        match stop {
            Stop::Claim(claim) => Rendering::Suspended(Suspension::Claim(claim)),
            Stop::Count(pool) => Rendering::Suspended(Suspension::Count(pool)),
            Stop::CustomerVouchers => Rendering::Suspended(Suspension::CustomerVouchers),
            Stop::Abort(reason) => Rendering::Failed(Failure::Aborted(reason)),
            Stop::UnknownPool(pool, hint) => {
                let message = format!("there is no pool '{pool}'{hint}");
                let place = error.and_then(|error| self.explain(error).place);
                Rendering::Failed(Failure::UnknownPool(pool, TemplateError { message, place }))
            }
        }
    }

    /// An e-mail that has only HTML gets its text from it.
    fn add_text(&self, parts: &mut Vec<(&'static str, String)>) {
        let part = |wanted: &str| parts.iter().find(|(name, _)| *name == wanted);
        if let (Channel::Email, Some((_, html)), None) = (self.channel, part("body.html"), part("body.txt")) {
            let text = plain_text::from_html(html);
            parts.push(("body.txt", text));
        }
    }

    fn explain(&self, error: &minijinja::Error) -> TemplateError {
        TemplateError::from_engine(error, &self.environment, &self.sources())
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fingerprint(files: &BTreeMap<String, Arc<Source>>) -> String {
    let mut hash = Sha256::new();
    for text in files.iter().flat_map(|(file, source)| [file, &source.original]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
