//! The problems that calls have in common, for the document.

use std::collections::BTreeMap;

use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use super::problem::Problem;

/// What every call may answer.
const EVERY: [(&str, &str); 4] = [
    ("401", "The call has no key, or one that is not known"),
    ("403", "The key does not have the scope that the call needs"),
    ("422", "What was sent is not what the call takes; `detail` says where"),
    ("503", "The store cannot be reached, or others kept changing the same: the same call may succeed later"),
];

/// What a call with a body may answer beside that.
const WITH_BODY: [(&str, &str); 4] = [
    ("400", "The body is not JSON, or ends before its end"),
    ("408", "The body did not go on"),
    ("413", "The body is larger than the call takes"),
    ("415", "The body is of another type"),
];

/// The problems of a call without a body.
pub(super) struct Asked;

/// The problems of a call with a body.
pub(super) struct Sent;

impl IntoResponses for Asked {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        EVERY.into_iter().map(problem).collect()
    }
}

impl IntoResponses for Sent {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        EVERY.into_iter().chain(WITH_BODY).map(problem).collect()
    }
}

fn problem((status, description): (&str, &str)) -> (String, RefOr<Response>) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let response = ResponseBuilder::new().description(description).content("application/problem+json", content);
    (status.to_owned(), RefOr::T(response.build()))
}
