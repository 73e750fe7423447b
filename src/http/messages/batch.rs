//! A stream of messages, answered in order while it still comes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::mpsc::{OwnedPermit, Sender, channel};
use tokio::time::sleep_until;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::form::{Found, MessageForm, Order};
use super::lines::{Line, Lines};
use super::page::{Answer, Page, RefusedLine};
use super::{Renders, previewed, schema};
use crate::campaign::Pipeline;
use crate::http::Service;
use crate::http::access::Caller;
use crate::http::body::{must_be, read_line};
use crate::http::problem::Problem;
use crate::http::refusals::Sent;
use crate::render::Purpose;
use crate::voucher::MessageId;

const NDJSON: &str = "application/x-ndjson";
/// How many pages are on their way or wait for the client to take them.
const PAGES: usize = 6;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(render_all))
}

/// A line of the answer.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "this form describes; nobody makes it")]
enum AnswerLine {
    /// What became of the message.
    Outcome(Box<schema::Outcome>),
    /// Why the line was refused.
    Refused(RefusedLine),
}

/// Renders a stream of messages, one a line, and answers a line each, in order, while the stream still comes.
///
/// A line that is wrong is answered with an error in its place. Who does not read the answers is not read from any more. When the
/// connection breaks, the same messages sent again show the same codes. Blank lines are passed over.
#[utoipa::path(post, path = "/v1/messages/batch", tag = "messages",
    security(("key" = ["render"]), ("key" = ["render:web"]), ("key" = ["test"])),
    request_body(content = MessageForm, content_type = "application/x-ndjson", description = "A message a line"),
    responses(
        (status = OK, body = AnswerLine, content_type = "application/x-ndjson", description = "A line for each message"),
        Sent
    ))]
async fn render_all(
    State(service): State<Arc<Service>>,
    Renders(caller): Renders,
    request: Request,
) -> Result<Response, Problem> {
    must_be(request.headers(), NDJSON)?;
    let mut lines = Lines::new(request.into_body().into_data_stream(), service.settings.body_bytes);
    lines.begin().await.map_err(|_| broken_off())?;
    let (answers, taken) = channel(PAGES);
    tokio::spawn(Conveyor::new(service, caller, answers).run(lines));
    let body =
        stream::unfold(taken, async |mut taken| taken.recv().await.map(|page| (Ok::<_, Infallible>(page), taken)));
    Ok(([(CONTENT_TYPE, NDJSON)], Body::from_stream(body)).into_response())
}

fn broken_off() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_body", "the body ended before its end")
}

/// Takes lines through the protocol, several pages at a time. A page begins only when there is room for its answers, so that
/// nothing stays reserved because a client is slow to read.
struct Conveyor {
    service: Arc<Service>,
    caller: Caller,
    /// The page that fills.
    page: Page,
    pipeline: Pipeline<()>,
    /// The pages on their way, each with the room for its answers.
    pages: VecDeque<(Page, OwnedPermit<Bytes>)>,
    answers: Sender<Bytes>,
}

impl Conveyor {
    fn new(service: Arc<Service>, caller: Caller, answers: Sender<Bytes>) -> Conveyor {
        Conveyor { service, caller, page: Page::new(), pipeline: Pipeline::new(), pages: VecDeque::new(), answers }
    }

    /// Goes on until every line is answered, or the client is gone. What is not settled by then goes back.
    async fn run(mut self, mut lines: Lines) {
        let mut is_read = false;
        while !(is_read && self.page.is_empty() && self.pipeline.is_empty()) {
            let (is_full, due) = (is_read || self.page.is_full(), self.page.due());
            let room = async {
                if !is_full {
                    sleep_until(due).await;
                }
                self.answers.clone().reserve_owned().await
            };
            tokio::select! {
                biased;
                () = self.answers.closed() => break,
                line = lines.next(), if !is_full => match line {
                    Ok(Some(line)) => self.take(line).await,
                    Ok(None) => is_read = true,
                    Err(_) => break,
                },
                () = self.pipeline.ready(), if !self.pipeline.is_empty() => self.land().await,
                room = room, if !self.page.is_empty() && !self.pipeline.is_full() => match room {
                    Ok(room) => self.depart(room).await,
                    Err(_) => break,
                },
            }
            self.hand_on().await;
        }
        self.pipeline.withdraw().await;
    }

    /// Puts a line on the page that fills.
    async fn take(&mut self, Line { number, text }: Line) {
        let (message_id, refused) = match text {
            Some(text) => match self.read(number, &text).await {
                Ok(()) => return,
                Err(problem) => (id_of(&text), problem),
            },
            None => (None, self.too_long()),
        };
        self.page.answer(number, message_id, Answer::Refused(refused));
    }

    async fn read(&mut self, number: u64, text: &[u8]) -> Result<(), Problem> {
        let form: MessageForm = read_line(text)?;
        let order = form.read(&self.caller, self.service.settings.parts_bytes)?;
        let found = order.find(&self.service.templates).await;
        let Order { message, .. } = order;
        match found {
            Ok(Found::Ready(ready)) if message.purpose == Purpose::Preview => self.page.preview(number, ready, message),
            Ok(Found::Ready(ready)) => self.page.personalize(number, ready, message),
            Ok(Found::Broken(outcome)) => self.page.answer(number, None, Answer::of(Ok(outcome), None)),
            Err(error) => self.page.answer(number, Some(message.message_id), Answer::of(Err(error), None)),
        }
        Ok(())
    }

    fn too_long(&self) -> Problem {
        let detail = format!("the line is longer than the limit of {} bytes", self.service.settings.body_bytes);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// Sends the page that has filled on its way.
    async fn depart(&mut self, room: OwnedPermit<Bytes>) {
        let mut page = std::mem::replace(&mut self.page, Page::new());
        self.look_at(&mut page).await;
        for group in page.groups() {
            self.pipeline.add(&group.ready.personalizer, std::mem::take(&mut group.messages), ());
        }
        self.pages.push_back((page, room));
    }

    /// Renders what is only to be looked at.
    async fn look_at(&self, page: &mut Page) {
        let previews = page.take_previews();
        if previews.is_empty() {
            return;
        }
        let catalogue = self.service.store.catalogue().await.map(Arc::new);
        for waiting in previews {
            let outcome = match &catalogue {
                Ok(catalogue) => previewed(&self.service, &waiting.ready, waiting.message, catalogue).await,
                Err(error) => Err(error.retold()),
            };
            page.previewed(waiting.place, outcome);
        }
    }

    /// Ends the first batch that is on its way. Where the store fails, its lines say so, and the next ones try again.
    async fn land(&mut self) {
        let Some(landed) = self.pipeline.next().await.transpose() else { return };
        if let Some((page, _)) = self.pages.front_mut() {
            page.land(landed.map(|landed| landed.outcomes));
        }
    }

    /// Gives the client the pages that are answered.
    async fn hand_on(&mut self) {
        while self.pages.front().is_some_and(|(page, _)| page.is_answered()) {
            let Some((page, room)) = self.pages.pop_front() else { return };
            let metrics = Arc::clone(&self.service.metrics);
            if let Ok(text) = tokio::task::spawn_blocking(move || page.write(&metrics)).await {
                room.send(text.into());
            }
        }
    }
}

/// The id that a line names which is refused for something else.
fn id_of(text: &[u8]) -> Option<MessageId> {
    #[derive(Deserialize)]
    struct Named {
        message_id: Option<MessageId>,
    }
    serde_json::from_slice::<Named>(text).ok()?.message_id
}
