//! Compiles templates: the engine with Tearoff's vocabulary, over a folder or over inline parts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::compiled::Compiled;
use super::failure::TemplateError;
use super::isolation::{Isolation, TemplateSource};
use super::mentions::{self, Inclusion};
use super::source::{COMPARED_FILTER, KEPT_FILTER};
use super::sources::{Sources, read};
use super::suggest::did_you_mean;
use super::template::Template;
use super::vouchers::{Pool, Vouchers};
use super::{allowance, jinja, one_line, parts};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Channel, check_name};

/// What one message may use. A message beyond a limit fails; the others go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Instructions of the template engine, over each part.
    pub instructions: u64,
    /// Bytes of output, over all parts together.
    pub output_bytes: usize,
    /// Vouchers that one message shows. Each costs another pass over the template.
    pub vouchers: usize,
    /// How deep includes, macros and recursive loops may nest.
    pub nesting: usize,
    /// Bytes of source, in each file.
    pub source_bytes: usize,
    /// Bytes of text and values that each part makes and reads on the way: by operators, filters, captures and printing.
    pub text_bytes: usize,
    /// Seconds that each part may take. Half of it is the processor's time, so that a machine that stands still costs no message.
    pub seconds: u64,
}

impl Default for Limits {
    /// 1,000,000 instructions, 2 MiB of output, 100 vouchers, 100 levels, 256 KiB of source, 8 MiB of text on the way, 1 second.
    fn default() -> Limits {
        Limits {
            instructions: 1_000_000,
            output_bytes: 2 << 20,
            vouchers: 100,
            nesting: 100,
            source_bytes: 256 << 10,
            text_bytes: 8 << 20,
            seconds: 1,
        }
    }
}

/// Makes templates.
///
/// ```
/// use tearoff::render::{Limits, Renderer};
/// use tearoff::voucher::Channel;
///
/// let renderer = Renderer::new(Limits::default());
/// let parts = [("body.txt", "Hi {{ customer.first_name }}, your code: $cst.spring.coupon$")];
/// let template = renderer.compile("hello", Channel::Sms, parts)?;
/// assert_eq!(template.pools().next().as_deref(), Some("spring"));
/// # Ok::<(), tearoff::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Renderer {
    pub(super) environment: Environment<'static>,
    pub(super) folder: Option<PathBuf>,
    pub(super) limits: Limits,
    isolation: Option<Isolation>,
}

impl Renderer {
    /// A renderer with Jinja2's filters, tests, functions and methods, and no folder.
    pub fn new(limits: Limits) -> Renderer {
        Renderer::with_environment(Renderer::environment(), limits)
    }

    /// An environment with Jinja2's filters, tests, functions and methods, to add yours to and give to
    /// [`Renderer::with_environment`].
    pub fn environment() -> Environment<'static> {
        let mut environment = Environment::new();
        jinja::install(&mut environment);
        environment
    }

    /// Gives an environment of your own, with your filters, functions and globals, Tearoff's vocabulary: `vouchers`,
    /// `$cst.<pool>.coupon$`, `{% abort %}`, `customer`, `campaign` and `now()`. What decides over escaping, undefined values,
    /// printing and limits is set anew; templates are compiled by [`Renderer::load`] and [`Renderer::compile`]. Placeholders are
    /// read in these and in the folder's partials, not in templates that the environment has already.
    ///
    /// ```
    /// use tearoff::render::{Limits, Renderer};
    /// use tearoff::voucher::Channel;
    ///
    /// let mut environment = Renderer::environment();
    /// environment.add_filter("money", |cents: u64| format!("{}.{:02} EUR", cents / 100, cents % 100));
    /// let renderer = Renderer::with_environment(environment, Limits::default());
    /// renderer.compile("hello", Channel::Sms, [("body.txt", "$cst.spring.coupon$ takes {{ 1250|money }} off")])?;
    /// # Ok::<(), tearoff::Error>(())
    /// ```
    pub fn with_environment(mut environment: Environment<'static>, limits: Limits) -> Renderer {
        environment.set_debug(false);
        environment.set_auto_reload(false);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(escaping);
        environment.set_formatter(print);
        environment.add_filter(COMPARED_FILTER, compared);
        environment.add_filter(KEPT_FILTER, jinja::kept);
        allowance::install(&mut environment);
        // The engine counts down in a signed number, and takes a larger one for none left.
        environment.set_fuel(Some(limits.instructions.min(isize::MAX as u64)));
        environment.set_recursion_limit(limits.nesting);
        Renderer { environment, folder: None, limits, isolation: None }
    }

    /// Lets templates be loaded, and partials be included, from this folder.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Renderer {
        self.folder = Some(folder.into());
        self
    }

    /// Has templates compiled and rendered in child processes only, for authors who are not trusted. Children know Jinja2's
    /// vocabulary, and nothing that an environment of your own adds to it.
    #[must_use]
    pub fn isolated(mut self, isolation: Isolation) -> Renderer {
        self.isolation = Some(isolation);
        self
    }

    /// Loads a template for a channel: the parts in `<folder>/<name>/`, and what they include.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the folder or a required part is missing or not UTF-8; [`ErrorKind::Template`] where
    /// a part does not compile.
    pub fn load(&self, name: &str, channel: Channel) -> Result<Template> {
        self.compile(name, channel, self.read_parts(name, channel)?)
    }

    /// The parts of a template for a channel that are there, as their names and sources.
    pub(super) fn read_parts(&self, name: &str, channel: Channel) -> Result<Vec<(&'static str, String)>> {
        let folder = self.template_folder(name)?;
        let mut sources = Vec::new();
        for (part, _) in parts::parts(channel) {
            let path = folder.join(part);
            if path.is_file() {
                sources.push((*part, read(&path)?));
            }
        }
        Ok(sources)
    }

    /// The folder of a template, which must be there.
    pub(super) fn template_folder(&self, name: &str) -> Result<PathBuf> {
        check_name("template name", name)?;
        let root = self.folder.as_deref().unwrap_or(Path::new("templates"));
        let folder = root.join(name);
        if !folder.is_dir() {
            let known = template_names(root);
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            let error = Error::new(
                ErrorKind::InvalidInput,
                format!("there is no template '{name}' in {}{hint}", root.display()),
            );
            return Err(error.with_help(format!("make the folder {} with the parts of the message", folder.display())));
        }
        Ok(folder)
    }

    /// Compiles the parts of a template, given as name and source, for a channel.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where a part is missing or unknown; [`ErrorKind::Template`] where one does not compile.
    pub fn compile<S: Into<String>>(
        &self,
        name: &str,
        channel: Channel,
        parts: impl IntoIterator<Item = (impl AsRef<str>, S)>,
    ) -> Result<Template> {
        check_name("template name", name)?;
        let mut given: BTreeMap<String, String> =
            parts.into_iter().map(|(part, source)| (part.as_ref().to_owned(), source.into())).collect();
        let names: Vec<String> = given.keys().cloned().collect();
        if let Some(isolation) = &self.isolation {
            return self.elsewhere(isolation, name, channel, given);
        }
        parts::check(name, channel, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let mut compiler = Compiler::new(self);
        let mut compiled = Vec::new();
        for (part, _) in parts::parts(channel) {
            if let Some(source) = given.remove(*part) {
                let file = format!("{name}/{part}");
                compiler.add(&file, &source)?;
                compiled.push((*part, file));
            }
        }
        for (_, file) in &compiled {
            compiler.include(file)?;
        }
        if let Some(unknown) = given.keys().next() {
            let known: Vec<&str> = parts::parts(channel).iter().map(|(part, _)| *part).collect();
            let error = Error::new(ErrorKind::InvalidInput, format!("{channel} has no part '{unknown}'"));
            return Err(error.with_help(format!("its parts are {}", known.join(", "))));
        }
        let compiled = Compiled::new(channel, compiled, compiler.environment, compiler.sources, self.limits);
        Ok(Template::here(name, channel, compiled))
    }

    fn elsewhere(
        &self,
        isolation: &Isolation,
        name: &str,
        channel: Channel,
        parts: BTreeMap<String, String>,
    ) -> Result<Template> {
        let folder =
            self.folder.as_ref().map(std::path::absolute).transpose().map_err(|error| {
                Error::new(ErrorKind::Io, format!("the folder of templates cannot be found: {error}"))
            })?;
        let source = TemplateSource { name: name.to_owned(), channel, parts, folder, limits: self.limits };
        Ok(Template::elsewhere(isolation.compile(source)?))
    }
}

/// Adds sources to a template's own environment.
struct Compiler {
    environment: Environment<'static>,
    sources: Arc<Mutex<Sources>>,
}

impl Compiler {
    fn new(renderer: &Renderer) -> Compiler {
        let mut environment = renderer.environment.clone();
        let sources = Arc::new(Mutex::new(Sources::new(renderer.folder.clone(), renderer.limits.source_bytes)));
        if renderer.folder.is_some() {
            let sources = Arc::clone(&sources);
            environment.set_loader(move |path| {
                load_partial(&mut sources.lock().unwrap_or_else(PoisonError::into_inner), path)
            });
        }
        Compiler { environment, sources }
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&mut self, file: &str, source: &str) -> Result<()> {
        let source = self.sources().add(file, source)?;
        self.environment
            .add_template_owned(file.to_owned(), source.text().to_owned())
            .map_err(|error| self.explain(&error).into())
    }

    /// Compiles what a file includes, so that its errors show early and not at some customer's branch.
    fn include(&self, file: &str) -> Result<()> {
        let Some(source) = self.sources().files.get(file).cloned() else { return Ok(()) };
        for Inclusion { path, may_be_missing } in mentions::included(&source.original) {
            if self.sources().files.contains_key(&path.name) {
                continue;
            }
            match self.environment.get_template(&path.name) {
                Ok(_) => self.include(&path.name)?,
                Err(error) if error.kind() != minijinja::ErrorKind::TemplateNotFound => {
                    return Err(self.explain(&error).into());
                }
                Err(_) if may_be_missing => {}
                Err(error) => {
                    let message = self.explain(&error).message;
                    return Err(TemplateError::at(message, file, &source, path.offset + 1, path.name.len()).into());
                }
            }
        }
        Ok(())
    }

    fn explain(&self, error: &minijinja::Error) -> TemplateError {
        TemplateError::from_engine(error, &self.environment, &self.sources())
    }
}

fn load_partial(sources: &mut Sources, path: &str) -> Result<Option<String>, minijinja::Error> {
    match sources.load(path) {
        Ok(source) => Ok(source.map(|source| source.text().to_owned())),
        Err(error) => Err(minijinja::Error::new(minijinja::ErrorKind::BadInclude, error.to_string())),
    }
}

fn template_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('_'))
        .collect()
}

/// What is printed is escaped by the extension of the part.
fn escaping(file: &str) -> AutoEscape {
    match file.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        Some((_, "json")) => AutoEscape::Json,
        _ => AutoEscape::None,
    }
}

/// Jinja's order of text and numbers is silent and never what an author means.
fn compared(value: Value, name: &str) -> Result<Value, minijinja::Error> {
    if value.kind() != ValueKind::String {
        return Ok(value);
    }
    let message =
        format!("{name} is text and is compared with a number; write {name}|float, or give its column a type");
    Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
}

fn print(
    out: &mut minijinja::Output<'_>,
    state: &mut minijinja::State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if value.downcast_object_ref::<Pool>().is_some() || value.downcast_object_ref::<Vouchers>().is_some() {
        let message = "a pool cannot be printed; call .assign_available() on it for a code";
        return Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message));
    }
    allowance::spend_on_printing(value)?;
    one_line::check(value)?;
    jinja::format_value(out, state, value)
}
