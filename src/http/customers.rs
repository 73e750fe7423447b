//! A customer's vouchers, and vouchers that are assigned outside of messages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::access::{Allowed, CodesRead, Render};
use super::audit::audit;
use super::body::Body;
use super::problem::Problem;
use super::refusals::Sent;
use super::schema;
use crate::campaign::{Assignment, GivenVoucher, Recipient, Shortfall};
use crate::render::Attributes;
use crate::voucher::{CustomerId, PoolName, VoucherRecord};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(vouchers)).routes(routes!(assign))
}

/// A customer who is looked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CustomerQuestion {
    /// The customer's id.
    #[schema(value_type = String, min_length = 1, max_length = 256, example = "c42")]
    customer_id: CustomerId,
}

/// Lists all vouchers of a customer, the oldest first.
#[utoipa::path(
    post,
    path = "/v1/customers/vouchers",
    operation_id = "show_customer",
    tag = "customers",
    security(("key" = ["codes:read"])),
    request_body = CustomerQuestion,
    responses((status = OK, body = Vec<schema::VoucherRecord>, description = "The vouchers, perhaps none"), Sent)
)]
async fn vouchers(
    _: Allowed<CodesRead>,
    State(service): State<Arc<Service>>,
    Body(asked): Body<CustomerQuestion>,
) -> Result<Response, Problem> {
    let found = service.store.customers(&[asked.customer_id]).await?;
    Ok(Json(found.into_iter().flatten().collect::<Vec<VoucherRecord>>()).into_response())
}

/// A step of a workflow that wants a voucher for a customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AssignmentRequest {
    /// Whom the voucher is for.
    #[schema(value_type = String, min_length = 1, max_length = 256, example = "c42")]
    customer_id: CustomerId,
    /// The pool.
    #[schema(value_type = String, example = "spring")]
    pool: PoolName,
    /// The step: 1 to 64 letters, digits, '-' and '_'. A customer gets one voucher for each, the same one that
    /// `tearoff assign --node` gives.
    #[schema(min_length = 1, max_length = 64, example = "welcome-step")]
    assignment_id: String,
    /// What the pool's rule finds in `customer` beside the id.
    #[schema(value_type = Option<Object>)]
    customer: Option<Attributes>,
    /// What the pool's rule finds beside that: `event`, say.
    #[schema(value_type = Option<Object>)]
    context: Option<Attributes>,
}

/// Assigns a voucher outside of a message.
///
/// The same assignment gives its customer the same voucher again. It becomes the customer's current voucher of the pool.
#[utoipa::path(
    post,
    path = "/v1/customers/assign",
    operation_id = "assign_voucher",
    tag = "customers",
    security(("key" = ["render"])),
    request_body(content = AssignmentRequest, example = json!({
        "customer_id": "c42", "pool": "spring", "assignment_id": "welcome-step"
    })),
    responses(
        (status = OK, body = schema::AssignedVoucher, description = "The voucher"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no such pool"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "There is no voucher for this customer: `pool_empty`, `pool_paused`, `limit_reached` or `not_eligible`"),
        (status = GONE, body = Problem, content_type = "application/problem+json",
         description = "`message_released`: the assignment was taken back by hand"),
        Sent
    )
)]
async fn assign(
    caller: Allowed<Render>,
    State(service): State<Arc<Service>>,
    Body(asked): Body<AssignmentRequest>,
) -> Result<Response, Problem> {
    let AssignmentRequest { customer_id, pool, assignment_id, customer, context } = asked;
    let assignment = Assignment::new(Arc::clone(&service.store), pool.clone(), &assignment_id)?;
    let assignment = assignment.watched_by(service.templates.watch());
    let (customer, context) = (customer.unwrap_or_default(), context.unwrap_or_default());
    let recipient = Recipient { customer_id, customer, context };
    // Once begun, it is ended, whether anybody waits for the answer or not.
    let assigning = tokio::spawn(async move { assignment.assign_one(recipient).await });
    let assigned = assigning.await.map_err(|_| Problem::unforeseen())??;
    let assigned = assigned.map_err(refused)?;
    audit(&caller.0, "customer.assign", Some(&pool));
    Ok(Json(GivenVoucher { pool: &pool, binding: &assigned.binding }).into_response())
}

fn refused(shortfall: Shortfall) -> Problem {
    Problem::new(StatusCode::CONFLICT, shortfall.reason.as_str(), shortfall.message)
}
