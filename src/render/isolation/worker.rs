//! The child's side: it compiles and renders what it is asked, within what the system lets it have.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::confinement::Confinement;
use super::frame;
use super::wire::{Answer, Ask, Facts, Outcome, Pass, TemplateSource, Text, Vouchers};
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Renderer, Rendering, Suspension, Template, parts};

/// The stack of the thread that renders.
pub(super) const STACK: usize = 16 << 20;
/// How many bytes of answers are written at a time: half of what a pipe holds, so that nobody waits for somebody to read them.
const TOGETHER: usize = 32 << 10;
/// How long an answer waits for others that it is written with.
const WAIT: Duration = Duration::from_millis(20);

/// What a child does until its parent closes the pipe: reads an ask, answers it.
///
/// # Errors
/// [`ErrorKind::Io`] where the pipe breaks, or the system sets no limits.
pub fn work(asks: impl Read + Send + 'static, answers: impl Write + Send + 'static) -> Result<()> {
    let confinement = Confinement::begin().map_err(|error| broken(&error))?;
    let thread = thread::Builder::new().name("isolated".to_owned()).stack_size(STACK);
    let working = thread
        .spawn(move || Worker { templates: HashMap::new(), confinement }.work(asks, answers))
        .map_err(|error| broken(&error))?;
    working.join().unwrap_or_else(|_| Err(io::Error::other("the renderer crashed"))).map_err(|error| broken(&error))
}

fn broken(error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("an isolated renderer ends: {error}"))
}

struct Worker {
    templates: HashMap<u64, Template>,
    confinement: Confinement,
}

impl Worker {
    fn work(&mut self, asks: impl Read, answers: impl Write) -> io::Result<()> {
        let (mut asks, mut answers) = (BufReader::with_capacity(2 * TOGETHER, asks), Answers::to(answers));
        let mut buffer = Vec::new();
        while !asks.fill_buf()?.is_empty() {
            self.confinement.grant()?;
            let ask: Ask = frame::read(&mut asks, &mut buffer)?;
            let template = ask.template();
            let mut answer = self.answer(ask).unwrap_or_else(|error| refused(&error));
            answers.add(&mut answer)?;
            if !frame::is_whole(asks.buffer()) {
                answers.write()?;
            }
            self.recycle(template, &mut answer);
        }
        Ok(())
    }

    /// The next message is written into the memory of this one's texts.
    fn recycle(&self, template: u64, answer: &mut Answer) {
        if let Some(template) = self.templates.get(&template) {
            let texts = answer
                .texts()
                .iter_mut()
                .filter_map(|text| Some((parts::known(&text.name)?, std::mem::take(&mut text.text))));
            template.recycle(texts.collect());
        }
    }

    fn answer(&mut self, ask: Ask) -> Result<Answer> {
        match ask {
            Ask::Compile(number, source) => {
                let template = compile(source)?;
                let facts = facts(&template);
                self.templates.insert(number, template);
                Ok(Answer::Compiled(facts))
            }
            Ask::Render(number, pass) => {
                let unknown = || Error::new(ErrorKind::Io, "the isolated renderer does not have this template");
                render(self.templates.get(&number).ok_or_else(unknown)?, &pass)
            }
        }
    }
}

/// Answers on their way: those of asks that are there already are written together.
struct Answers<W> {
    to: W,
    waiting: Vec<u8>,
    written: Instant,
}

impl<W: Write> Answers<W> {
    fn to(to: W) -> Answers<W> {
        Answers { to, waiting: Vec::with_capacity(2 * TOGETHER), written: Instant::now() }
    }

    fn add(&mut self, answer: &mut Answer) -> io::Result<()> {
        frame::add(&mut self.waiting, answer)?;
        answer.texts().iter().for_each(|text| self.waiting.extend_from_slice(text.text.as_bytes()));
        if self.waiting.len() >= TOGETHER || self.written.elapsed() >= WAIT { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        self.to.write_all(&self.waiting)?;
        self.to.flush()?;
        self.waiting.clear();
        self.waiting.shrink_to(2 * TOGETHER);
        self.written = Instant::now();
        Ok(())
    }
}

fn compile(source: TemplateSource) -> Result<Template> {
    let mut renderer = Renderer::new(source.limits);
    if let Some(folder) = source.folder {
        renderer = renderer.in_folder(folder);
    }
    renderer.compile(&source.name, source.channel, source.parts)
}

fn facts(template: &Template) -> Facts {
    Facts {
        fingerprint: template.fingerprint(),
        mentions: template.pool_mentions(),
        printed: template.printed_attributes(),
    }
}

fn render(template: &Template, pass: &Pass) -> Result<Answer> {
    let message = Arc::new(pass.message()?);
    let (rendering, missing) = match &pass.vouchers {
        Vouchers::Known(known) => (template.render(&message, known), Default::default()),
        Vouchers::Examined(known) => template.examine(&message, known),
        Vouchers::Previewed(catalogue) => {
            let previewed = template.preview(&message, catalogue);
            (previewed.map_or_else(Rendering::Failed, Rendering::Complete), Default::default())
        }
    };
    Ok(Answer::Rendered(outcome(rendering), missing))
}

fn outcome(rendering: Rendering) -> Outcome {
    match rendering {
        Rendering::Complete(rendered) => Outcome::Complete {
            parts: rendered.parts.into_iter().map(Text::from).collect(),
            vouchers: rendered.vouchers.into_iter().map(|used| (used.pool, used.width)).collect(),
        },
        Rendering::Failed(failure) => Outcome::Failed(failure),
        Rendering::Suspended(Suspension::Claim(claim)) => Outcome::WaitsForClaim(claim.pool, claim.width),
        Rendering::Suspended(Suspension::Count(pool)) => Outcome::WaitsForCount(pool),
        Rendering::Suspended(Suspension::CustomerVouchers) => Outcome::WaitsForCustomerVouchers,
    }
}

fn refused(error: &Error) -> Answer {
    let is_template = error.kind() == ErrorKind::Template;
    Answer::Refused { is_template, message: error.to_string(), help: error.help().map(str::to_owned) }
}
