//! The child's side: it compiles and renders what it is asked, within what the system lets it have.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread;

use super::confinement::Confinement;
use super::wire::{Answer, Ask, Facts, Outcome, Pass, TemplateSource, Vouchers};
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Renderer, Rendering, Suspension, Template};

/// The stack of the thread that renders.
pub(super) const STACK: usize = 16 << 20;

/// What a child does until its parent closes the pipe: reads an ask, answers it.
///
/// # Errors
/// [`ErrorKind::Io`] where the pipe breaks, or the system sets no limits.
pub fn work(asks: impl BufRead + Send + 'static, answers: impl Write + Send + 'static) -> Result<()> {
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
    fn work(&mut self, mut asks: impl BufRead, mut answers: impl Write) -> io::Result<()> {
        let (mut line, mut text) = (Vec::new(), Vec::new());
        while {
            line.clear();
            asks.read_until(b'\n', &mut line)?
        } > 0
        {
            self.confinement.grant()?;
            let answer = self.answer(serde_json::from_slice(&line)?).unwrap_or_else(|error| refused(&error));
            text.clear();
            serde_json::to_writer(&mut text, &answer)?;
            text.push(b'\n');
            // At once: what the parent has is what it holds a child to that dies of the next ask.
            answers.write_all(&text)?;
            answers.flush()?;
        }
        Ok(())
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
                render(self.templates.get(&number).ok_or_else(unknown)?, *pass)
            }
        }
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

fn render(template: &Template, pass: Pass) -> Result<Answer> {
    let message = Arc::new(pass.message()?);
    let (rendering, missing) = match pass.vouchers {
        Vouchers::Known(known) => (template.render(&message, &known), Default::default()),
        Vouchers::Examined(known) => template.examine(&message, &known),
        Vouchers::Previewed(catalogue) => {
            let previewed = template.preview(&message, &catalogue);
            (previewed.map_or_else(Rendering::Failed, Rendering::Complete), Default::default())
        }
    };
    Ok(Answer::Rendered(outcome(rendering), missing))
}

fn outcome(rendering: Rendering) -> Outcome {
    match rendering {
        Rendering::Complete(rendered) => Outcome::Complete {
            parts: rendered.parts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
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
