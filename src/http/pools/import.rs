//! Files of codes that callers send.

use std::io::{self, Read};
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::spawn_blocking;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Named;
use crate::error::Result;
use crate::http::Service;
use crate::http::access::{Allowed, PoolsWrite};
use crate::http::audit::audit;
use crate::http::body::{broken_off, too_large, unsupported};
use crate::http::parameters::Parameters;
use crate::http::problem::Problem;
use crate::http::refusals::Sent;
use crate::http::schema;
use crate::intake::{self, Format, Options, Source, parse_delimiter};

/// How many pieces of a body wait to be written.
const WAITING: usize = 4;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(in crate::http) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(import))
}

/// How the file is to be read where it does not say so itself. Errors name them as the command line does: `--column` is `column`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Reading {
    /// The column that holds the code; found by its name where nothing is said.
    column: Option<String>,
    /// The character between two fields, or `tab`.
    delimiter: Option<String>,
    /// The encoding of a text, such as `windows-1250`; also the `charset` of the content type says it.
    encoding: Option<String>,
    /// The sheet of a workbook; the first where nothing is said.
    sheet: Option<String>,
    /// Whether numbers may be codes.
    accept_numeric: Option<bool>,
}

/// Imports a file of codes into a pool, which is made if it does not exist.
///
/// The body is the file: delimited text, a code on each line, JSON lines or a workbook. It is taken up whole before anything is
/// added, so that a broken one, or half a one, changes nothing; and importing it again does no harm.
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/import",
    operation_id = "import_codes",
    tag = "pools",
    security(("key" = ["pools:write"])),
    params(("pool" = String, Path, description = "The pool's name", example = "spring"), Reading),
    request_body(description = "The file", content(
        (String = "text/csv", example = "code,discount\nSPR-7Q2K,10\n"),
        (String = "text/tab-separated-values"),
        (String = "text/plain"),
        (String = "application/x-ndjson"),
        (schema::Workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )),
    responses(
        (status = OK, body = schema::ImportReport, description = "What became of the rows"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "Somebody deleted the pool meanwhile"),
        Sent
    )
)]
async fn import(
    caller: Allowed<PoolsWrite>,
    State(service): State<Arc<Service>>,
    Named(pool): Named,
    Parameters(reading): Parameters<Reading>,
    request: Request,
) -> Result<Response, Problem> {
    let format = format(request.headers())?;
    let options = reading.options(request.headers())?;
    let limit = service.settings.import_bytes;
    if announced_length(request.headers()).is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let source = receive(request.into_body(), format, limit).await?;
    let importing = {
        let (store, pool) = (Arc::clone(&service.store), pool.clone());
        let import = async move { intake::import(&*store, &pool, &source, &options, &mut |_| {}).await };
        // The file is read in between the calls of the store. Once begun, an import is ended, whether anybody waits or not.
        spawn_blocking(move || Handle::current().block_on(import))
    };
    let report = importing.await.map_err(|_| Problem::unforeseen())??;
    audit(&caller.0, "pool.import", Some(&pool));
    Ok(Json(report).into_response())
}

impl Reading {
    fn options(self, headers: &HeaderMap) -> Result<Options> {
        Ok(Options {
            column: self.column,
            delimiter: self.delimiter.as_deref().map(parse_delimiter).transpose()?,
            encoding: self.encoding.or_else(|| charset(headers)),
            sheet: self.sheet,
            accept_numeric: self.accept_numeric.unwrap_or_default(),
        })
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default()
}

/// The format of the body.
fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let content_type = content_type(headers);
    let is_plain = content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"));
    let format = Format::of_content_type(content_type).or(is_plain.then_some(Format::Text));
    let known = format!("text/csv', 'text/tab-separated-values', 'text/plain', 'application/x-ndjson' or '{XLSX}");
    format.ok_or_else(|| unsupported(&known))
}

fn charset(headers: &HeaderMap) -> Option<String> {
    let parameters = content_type(headers).split(';').skip(1);
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(charset.trim().trim_matches('"').to_owned())
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Takes a body up, whole or not at all.
async fn receive(body: Body, format: Format, limit: u64) -> Result<Source, Problem> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let keeping = spawn_blocking(move || Source::of_bytes("the body", format, Arriving::new(receiver), limit));
    let arrived = pass_on(body, sender).await;
    let kept = keeping.await.map_err(|_| Problem::unforeseen())?;
    arrived?;
    kept?.ok_or_else(too_large)
}

/// Passes a body on, piece by piece, until nobody wants more of it.
async fn pass_on(mut body: Body, sender: Sender<Bytes>) -> Result<(), Problem> {
    loop {
        let frame = body.frame().await.transpose();
        let Some(frame) = frame.map_err(|error| broken_off(&error))? else { return Ok(()) };
        let Ok(piece) = frame.into_data() else { continue };
        if sender.send(piece).await.is_err() {
            return Ok(());
        }
    }
}

/// A body that arrives on another thread.
struct Arriving {
    pieces: Receiver<Bytes>,
    piece: Bytes,
}

impl Arriving {
    fn new(pieces: Receiver<Bytes>) -> Arriving {
        Arriving { pieces, piece: Bytes::new() }
    }
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(into.len());
        into[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}
