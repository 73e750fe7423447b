//! What stands behind the question mark of an address, read as strictly as a body.

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The parameters of a call.
#[derive(Debug)]
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters<T>, Problem> {
        let read = Query::try_from_uri(&parts.uri);
        read.map(|Query(parameters)| Parameters(parameters)).map_err(|rejection| {
            let text = rejection.body_text();
            let what = text.split_once(": ").map_or(text.as_str(), |(_, what)| what);
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", format!("the address: {what}"))
        })
    }
}
