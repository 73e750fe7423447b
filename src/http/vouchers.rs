//! Vouchers by their codes, which stand in bodies and never in an address.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::access::{Allowed, CodesRead, Redeem, Scope};
use super::audit::audit;
use super::body::Body;
use super::problem::Problem;
use super::refusals::Sent;
use super::schema;
use crate::error::{Error, ErrorKind};
use crate::redemption::{Purchase, Wish};
use crate::render::Attributes;
use crate::voucher::{Code, CustomerId, EventId, RedemptionResult};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(lookup)).routes(routes!(validate)).routes(routes!(redeem))
}

/// A voucher that is looked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VoucherCode {
    /// Its code.
    #[schema(value_type = String, min_length = 1, max_length = 256, example = "SPR-7Q2K")]
    code: Code,
}

/// Looks a voucher up: what state it is in, and who has it.
#[utoipa::path(
    post,
    path = "/v1/vouchers/lookup",
    operation_id = "look_up_voucher",
    tag = "vouchers",
    security(("key" = ["codes:read"])),
    request_body = VoucherCode,
    responses(
        (status = OK, body = schema::VoucherRecord, description = "The voucher"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no such voucher"),
        Sent
    )
)]
async fn lookup(
    _: Allowed<CodesRead>,
    State(service): State<Arc<Service>>,
    Body(sought): Body<VoucherCode>,
) -> Result<Response, Problem> {
    let found = service.store.voucher(&sought.code).await?;
    let voucher = found.ok_or_else(|| Error::new(ErrorKind::NotFound, "the project has no such voucher"))?;
    Ok(Json(voucher).into_response())
}

/// A question whether a voucher can be used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VoucherCheck {
    /// The voucher's code.
    #[schema(value_type = String, min_length = 1, max_length = 256, example = "SPR-7Q2K")]
    code: Code,
    /// Who would use it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256, example = "c42")]
    customer_id: Option<CustomerId>,
    /// What the pool's rule finds in `customer` beside the id.
    #[schema(value_type = Option<Object>)]
    customer: Option<Attributes>,
    /// What the pool's rule finds in `order`.
    #[schema(value_type = Option<Object>, example = json!({"total": 80}))]
    order: Option<Attributes>,
}

/// Whether a voucher can be used.
#[derive(Debug, Serialize, ToSchema)]
struct VoucherValidity {
    /// Whether it can.
    valid: bool,
    /// Why not, if not.
    #[schema(value_type = Option<schema::InvalidReason>, required)]
    reason: Option<&'static str>,
}

/// Says whether a voucher can be used at this moment, and changes nothing.
///
/// A key without `codes:read` hears the same of every voucher that cannot be used, so that nobody finds out with it which codes
/// exist.
#[utoipa::path(
    post,
    path = "/v1/vouchers/validate",
    operation_id = "validate_voucher",
    tag = "vouchers",
    security(("key" = ["redeem"])),
    request_body = VoucherCheck,
    responses((status = OK, body = VoucherValidity, description = "The answer"), Sent)
)]
async fn validate(
    caller: Allowed<Redeem>,
    State(service): State<Arc<Service>>,
    Body(check): Body<VoucherCheck>,
) -> Result<Response, Problem> {
    let purchase = purchase(check.customer_id, check.customer, check.order);
    let validity = service.redeemer().validate(&check.code, &purchase).await?;
    let is_told = caller.0.has(Scope::CodesRead);
    let reason = validity.reason.map(|reason| if is_told { reason.as_str() } else { "not_valid" });
    Ok(Json(VoucherValidity { valid: validity.is_valid(), reason }).into_response())
}

/// A wish to use a voucher.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VoucherUse {
    /// The voucher's code.
    #[schema(value_type = String, min_length = 1, max_length = 256, example = "SPR-7Q2K")]
    code: Code,
    /// What uses it, the order's number, say: asked again, it gets the same answer.
    #[schema(value_type = String, min_length = 1, max_length = 256, example = "order-1001")]
    event_id: EventId,
    /// Who uses it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256, example = "c42")]
    customer_id: Option<CustomerId>,
    /// What the pool's rule finds in `customer` beside the id.
    #[schema(value_type = Option<Object>)]
    customer: Option<Attributes>,
    /// What the pool's rule finds in `order`.
    #[schema(value_type = Option<Object>, example = json!({"total": 80}))]
    order: Option<Attributes>,
}

/// What became of the wish.
#[derive(Debug, Serialize, ToSchema)]
struct VoucherUsed {
    /// What became of it.
    #[schema(value_type = schema::RedemptionResult)]
    result: RedemptionResult,
}

/// Uses a voucher, once, whatever races for it.
///
/// The same event gets the same answer again.
#[utoipa::path(
    post,
    path = "/v1/vouchers/redeem",
    operation_id = "redeem_voucher",
    tag = "vouchers",
    security(("key" = ["redeem"])),
    request_body = VoucherUse,
    responses((status = OK, body = VoucherUsed, description = "The answer, also where it is no"), Sent)
)]
async fn redeem(
    caller: Allowed<Redeem>,
    State(service): State<Arc<Service>>,
    Body(asked): Body<VoucherUse>,
) -> Result<Response, Problem> {
    let VoucherUse { code, event_id, customer_id, customer, order } = asked;
    let wish = Wish { code, event_id, at: None, purchase: purchase(customer_id, customer, order) };
    let answers = service.redeemer().redeem(&[wish]).await?;
    let answer = answers.into_iter().next().ok_or_else(|| Error::new(ErrorKind::StoreCorrupt, "there is no answer"))?;
    if answer.result == RedemptionResult::Redeemed {
        audit(&caller.0, "voucher.redeem", None);
    }
    Ok(Json(VoucherUsed { result: answer.result }).into_response())
}

fn purchase(customer_id: Option<CustomerId>, customer: Option<Attributes>, order: Option<Attributes>) -> Purchase {
    Purchase { customer_id, customer: customer.unwrap_or_default(), order: order.unwrap_or_default() }
}
