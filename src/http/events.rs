//! Tracked events that use vouchers.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::access::{Allowed, Redeem};
use super::audit::audit;
use super::body::read_up_to;
use super::problem::Problem;
use super::refusals::Sent;
use super::schema;
use crate::intake::Rejected;
use crate::redemption::{Mapping, Tally, Wish};

/// How many events are judged and used by one call of the store.
const BATCH: usize = 1_000;

/// How many rejected events a report lists.
const LISTED: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(ingest))
}

/// One tracked event, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Events {
    Many(Vec<Value>),
    One(Value),
}

/// What became of the events: the report of `events ingest`, and each event's own result.
#[derive(Debug, Default, Serialize)]
struct Report {
    read: u64,
    #[serde(flatten)]
    answers: Tally,
    unmapped: u64,
    rejected: Vec<Rejected>,
    results: Vec<&'static str>,
}

/// Uses the vouchers that tracked events tell of.
///
/// Each event of a list stands for itself; one that is sent alone and cannot be read is refused. Sending an event again changes
/// nothing, and gets the same answer.
#[utoipa::path(
    post,
    path = "/v1/events",
    operation_id = "ingest_events",
    tag = "vouchers",
    security(("key" = ["redeem"])),
    request_body(content = schema::TrackedEvents, example = json!({
        "type": "purchase", "customer_id": "c42", "timestamp": "2026-11-20T09:00:00Z",
        "properties": {"event_id": "order-1001", "voucher_code": "SPR-7Q2K", "total": 80}
    })),
    responses((status = OK, body = schema::EventsReport, description = "What became of the events"), Sent)
)]
async fn ingest(
    caller: Allowed<Redeem>,
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let mut report = Report::default();
    let events = match read_up_to(service.settings.events_bytes, request).await? {
        Events::Many(events) => events,
        Events::One(event) => {
            refuse_unreadable(&service.mapping, &event)?;
            vec![event]
        }
    };
    for events in Batches(events.into_iter()) {
        let wishes = report.read(&service.mapping, events);
        let (places, wishes): (Vec<usize>, Vec<Wish>) = wishes.into_iter().unzip();
        for (place, answer) in places.into_iter().zip(service.redeemer().redeem(&wishes).await?) {
            report.answers.count(answer.result);
            report.results[place] = answer.result.as_str();
        }
    }
    if report.answers.redeemed > 0 {
        audit(&caller.0, "events", None);
    }
    Ok(Json(report).into_response())
}

/// Events in portions that the store takes at once.
struct Batches(std::vec::IntoIter<Value>);

impl Iterator for Batches {
    type Item = Vec<Value>;

    fn next(&mut self) -> Option<Vec<Value>> {
        let batch: Vec<Value> = self.0.by_ref().take(BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    }
}

impl Report {
    /// The wishes of events, with the places of their results.
    fn read(&mut self, mapping: &Mapping, events: Vec<Value>) -> Vec<(usize, Wish)> {
        let mut wishes = Vec::new();
        for event in events {
            self.read += 1;
            let place = self.results.len();
            self.results.push(match read(mapping, event) {
                Ok(Some(wish)) => {
                    wishes.push((place, wish));
                    "unknown"
                }
                Ok(None) => {
                    self.unmapped += 1;
                    "unmapped"
                }
                Err(reason) => {
                    if self.rejected.len() < LISTED {
                        self.rejected.push(Rejected { line: self.read, reason });
                    }
                    "rejected"
                }
            });
        }
        wishes
    }
}

fn read(mapping: &Mapping, event: Value) -> Result<Option<Wish>, String> {
    match event {
        Value::Object(event) => mapping.wish(event),
        _ => Err("the event is not a JSON object".to_owned()),
    }
}

fn refuse_unreadable(mapping: &Mapping, event: &Value) -> Result<(), Problem> {
    let refused = |reason| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", reason);
    read(mapping, event.clone()).map(drop).map_err(refused)
}
