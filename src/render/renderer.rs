//! Compiles templates: the engine with Tearoff's vocabulary, over a folder or over inline parts.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::failure::{Sources, TemplateError};
use super::jinja;
use super::parts;
use super::source::Source;
use super::suggest::did_you_mean;
use super::template::Template;
use super::vouchers::{Pool, Vouchers};
use crate::error::{Error, ErrorKind, Result};
use crate::voucher::{Channel, check_name};

/// What one message may use. A message beyond a limit fails; the others go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Instructions of the template engine, over each part.
    pub instructions: u64,
    /// Bytes of output, over all parts together.
    pub output_bytes: usize,
    /// How deep includes, macros and recursive loops may nest.
    pub nesting: usize,
}

impl Default for Limits {
    /// 1,000,000 instructions, 2 MiB of output, 100 levels.
    fn default() -> Limits {
        Limits { instructions: 1_000_000, output_bytes: 2 << 20, nesting: 100 }
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
    environment: Environment<'static>,
    folder: Option<PathBuf>,
    limits: Limits,
}

impl Renderer {
    /// A renderer with Jinja2's filters, tests, functions and methods, and no folder.
    pub fn new(limits: Limits) -> Renderer {
        let mut environment = Environment::new();
        jinja::install(&mut environment);
        Renderer::with_environment(environment, limits)
    }

    /// Gives an environment of your own, with your filters, functions and globals, Tearoff's vocabulary: `vouchers`,
    /// `$cst.<pool>.coupon$`, `{% abort %}`, `customer`, `campaign` and `now()`. What decides over escaping, undefined values,
    /// printing and limits is set anew; templates are compiled by [`Renderer::load`] and [`Renderer::compile`].
    pub fn with_environment(mut environment: Environment<'static>, limits: Limits) -> Renderer {
        environment.set_debug(false);
        environment.set_auto_reload(false);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(escaping);
        environment.set_formatter(print);
        environment.set_fuel(Some(limits.instructions));
        environment.set_recursion_limit(limits.nesting);
        Renderer { environment, folder: None, limits }
    }

    /// Lets templates be loaded, and partials be included, from this folder.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Renderer {
        self.folder = Some(folder.into());
        self
    }

    /// Loads a template for a channel: the parts in `<folder>/<name>/`, and what they include.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the folder or a required part is missing or not UTF-8; [`ErrorKind::Template`] where
    /// a part does not compile.
    pub fn load(&self, name: &str, channel: Channel) -> Result<Template> {
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
        let mut sources = Vec::new();
        for (part, _) in parts::parts(channel) {
            let path = folder.join(part);
            if path.is_file() {
                sources.push((*part, read(&path)?));
            }
        }
        self.compile(name, channel, sources)
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
        parts::check(name, channel, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let mut compiler = Compiler::new(self);
        let mut compiled = Vec::new();
        for (part, _) in parts::parts(channel) {
            if let Some(source) = given.remove(*part) {
                let file = format!("{name}/{part}");
                compiler.add(&file, source)?;
                compiled.push((*part, file));
            }
        }
        if let Some(unknown) = given.keys().next() {
            let known: Vec<&str> = parts::parts(channel).iter().map(|(part, _)| *part).collect();
            let error = Error::new(ErrorKind::InvalidInput, format!("{channel} has no part '{unknown}'"));
            return Err(error.with_help(format!("its parts are {}", known.join(", "))));
        }
        Ok(Template::new(name, channel, compiled, compiler.environment, compiler.sources, self.limits))
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
        let sources: Arc<Mutex<Sources>> = Arc::default();
        if let Some(folder) = renderer.folder.clone() {
            let sources = Arc::clone(&sources);
            environment.set_loader(move |path| load_partial(&folder, path, &sources));
        }
        Compiler { environment, sources }
    }

    /// Compiles a source and, so that their errors show early and not at some customer's branch, everything it includes.
    fn add(&mut self, file: &str, source: String) -> Result<()> {
        let source = Arc::new(Source::new(file, source));
        self.remember(file, &source);
        self.environment
            .add_template_owned(file.to_owned(), source.text().to_owned())
            .map_err(|error| self.explain(&error))?;
        self.include(&source)
    }

    fn include(&self, source: &Source) -> Result<()> {
        for partial in super::mentions::included(&source.original) {
            let known = self.sources.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&partial.name);
            if known {
                continue;
            }
            self.environment.get_template(&partial.name).map_err(|error| self.explain(&error))?;
            let included = self.sources.lock().unwrap_or_else(PoisonError::into_inner).get(&partial.name).cloned();
            if let Some(included) = included {
                self.include(&included)?;
            }
        }
        Ok(())
    }

    fn remember(&self, file: &str, source: &Arc<Source>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.insert(file.to_owned(), Arc::clone(source));
    }

    fn explain(&self, error: &minijinja::Error) -> Error {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        TemplateError::from_engine(error, &sources).into()
    }
}

fn load_partial(folder: &Path, path: &str, sources: &Mutex<Sources>) -> Result<Option<String>, minijinja::Error> {
    let inside = Path::new(path).components().all(|component| matches!(component, Component::Normal(_)));
    let file = folder.join(path);
    if !inside || path.contains('\\') || !file.is_file() {
        return Ok(None);
    }
    let unreadable = |error: Error| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string());
    let source = Arc::new(Source::new(path, read(&file).map_err(unreadable)?));
    let text = source.text().to_owned();
    sources.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), source);
    Ok(Some(text))
}

fn read(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, format!("cannot read {}: {error}", path.display())).with_source(error)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let error = Error::new(ErrorKind::InvalidInput, format!("{} is not UTF-8 (line {line})", path.display()));
        error.with_help("save the file as UTF-8")
    })
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

fn print(
    out: &mut minijinja::Output<'_>,
    state: &mut minijinja::State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if value.downcast_object_ref::<Pool>().is_some() || value.downcast_object_ref::<Vouchers>().is_some() {
        let message = "a pool cannot be printed; write vouchers['name'].assign_available() for a code";
        return Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message));
    }
    jinja::format_value(out, state, value)
}
