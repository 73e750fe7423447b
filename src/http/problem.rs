//! Answers that say no, in the form of RFC 9457.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, ErrorKind};

/// After how many seconds a call is worth another try that may succeed unchanged.
const PATIENCE: HeaderValue = HeaderValue::from_static("1");

/// Why a call is refused: `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The HTTP status in words.
    #[schema(example = "Unprocessable Content")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What went wrong, for programs. It never changes.
    #[schema(example = "invalid_input")]
    code: &'static str,
    /// What went wrong and where, for people.
    #[schema(example = "the message has no id")]
    detail: String,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    /// Whether the same call may succeed later.
    retryable: bool,
}

impl Problem {
    /// A problem of a status under a code.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            help: None,
            retryable: false,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// Says that the same call may succeed later.
    #[must_use]
    pub(super) fn retryable(mut self) -> Problem {
        self.retryable = true;
        self
    }

    /// What nobody foresaw: a panic, say.
    pub(super) fn unforeseen() -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", "the service came upon something unforeseen")
    }
}

/// Why one message among many is refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fault {
    /// What went wrong, for programs: the codes of problems.
    #[schema(example = "invalid_input")]
    code: &'static str,
    /// What went wrong and where, for people.
    #[schema(example = "the message has no id")]
    detail: String,
    /// Whether the same message may succeed later.
    retryable: bool,
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Fault {
        let Problem { code, detail, help, retryable, .. } = problem;
        let detail = help.map_or(detail.clone(), |help| format!("{detail}; {help}"));
        Fault { code, detail, retryable }
    }
}

/// The status of an error.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::Template | ErrorKind::MessageConflict => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Refused | ErrorKind::PoolTooSmall => StatusCode::CONFLICT,
        ErrorKind::MessageReleased => StatusCode::GONE,
        ErrorKind::StoreUnavailable | ErrorKind::Contended => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::StoreCorrupt | ErrorKind::Io => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let mut problem = Problem::new(status(error.kind()), error.kind().code(), error.to_string());
        problem.help = error.help().map(str::to_owned);
        problem.retryable = error.is_retryable();
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.retryable {
            headers.insert(RETRY_AFTER, PATIENCE);
        }
        response
    }
}

/// The answer to a path that is none of the service's.
pub(super) async fn no_such_call() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_call", "there is no such call")
        .with_help("GET /openapi.json lists every call")
}

/// The answer to a method that a call does not have; the header `Allow` names those that it has.
pub(super) async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", "the call has no such method")
        .with_help("the header 'Allow' names its methods; GET /openapi.json lists every call")
}
