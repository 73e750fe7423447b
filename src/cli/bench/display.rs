//! One message at a time, as a web layer asks for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::mailing::{crashed, rendered};
use super::record::{Record, timed};
use super::stage::{Kind, Stage};
use super::workload::{self, Codes, messages, template};
use super::{Extent, announce};
use crate::campaign::{Personalizer, RenderThreads};
use crate::cli::output::Output;
use crate::error::Result;
use crate::render::{Limits, Message, Renderer};
use crate::voucher::Channel;

/// How many visitors ask at a time where there are many.
const VISITORS: usize = 64;
/// What share of the messages goes one by one, which takes long.
const ALONE_SHARE: usize = 5;

/// Measures single messages on each store, one after the other and many at a time.
pub(super) async fn measure(stage: &Stage, extent: Extent, output: &Output, record: &mut Record) -> Result<()> {
    let count = extent.recipients_or(10_000);
    let audience = stage.path("visitors.csv");
    workload::write_audience(&audience, Channel::WebLayer, count)?;
    let messages = messages(&audience, Channel::WebLayer)?;
    let template = template(&Renderer::new(Limits::default()), Channel::WebLayer, Codes::Claimed)?;
    let server = stage.server().await?;
    for run in 0..extent.runs {
        announce(output, "display", run, extent);
        server.plain("all").await?.remove_everything().await?;
        for kind in Kind::BOTH {
            let ways = [("one_at_a_time", 1, (count / ALONE_SHARE).max(1)), ("concurrent64", VISITORS, count)];
            for (name, visitors, count) in ways {
                let store = stage.store(kind, &server, count).await?;
                let threads = Arc::new(RenderThreads::for_this_machine()?);
                let personalizer = Personalizer::new(Arc::clone(&template), store.clone(), store, threads);
                let (mut times, whole) = timed(display(&personalizer, &messages[..count], visitors)).await?;
                times.sort_unstable();
                let name = format!("display.{}.{name}", kind.as_str());
                record.add(format!("{name}.per_second"), count as f64 / whole.as_secs_f64());
                record.add(format!("{name}.p50_us"), percentile(&times, 50));
                record.add(format!("{name}.p99_us"), percentile(&times, 99));
            }
        }
    }
    Ok(())
}

/// Personalises each message by itself, so many at a time; says how long each took.
async fn display(personalizer: &Personalizer, messages: &[Arc<Message>], visitors: usize) -> Result<Vec<Duration>> {
    stream::iter(messages.to_vec())
        .map(|message| {
            let (personalizer, message) = (personalizer.clone(), Message::clone(&message));
            tokio::spawn(async move {
                let began = Instant::now();
                rendered(&personalizer.personalize(vec![message]).await?)?;
                Ok(began.elapsed())
            })
        })
        .buffer_unordered(visitors)
        .map(|done| done.map_err(crashed)?)
        .try_collect()
        .await
}

/// In microseconds.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len() - 1);
    sorted[place].as_secs_f64() * 1e6
}
