//! `render`: one message.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::delivery::{DeliveryArguments, deliver};
use super::{Context, Exit, argument};
use crate::campaign::{Outcome, Personalized, Personalizer, RenderThreads, preview};
use crate::error::{Error, ErrorKind, Result};
use crate::render::{Attributes, Field, Message, Purpose, Template};
use crate::voucher::{CampaignId, Catalogue, Channel, MessageId};

#[derive(Args)]
#[command(after_help = "\
Examples:
  tearoff render welcome --channel email --customer '{\"id\": \"c42\", \"first_name\": \"Ada\"}' --campaign spring-2026
  tearoff render welcome --channel email --customer @ada.json --mode preview --part body.html > welcome.html
  tearoff render welcome --channel email --customer @ada.json --campaign spring-2026 --mode test --to ada@example.com

A message that is rendered again under the same id shows the same codes. A preview touches no pool.
The exit code is 0 if the message is rendered or suppressed, 6 if its template is wrong, 3 if it fails otherwise,
1 if a test e-mail cannot be delivered.")]
pub(super) struct Render {
    /// The template: a folder of parts
    template: String,
    /// How the message travels
    #[arg(long, value_parser = PossibleValuesParser::new(Channel::ALL.map(Channel::as_str)))]
    channel: String,
    /// The customer's attributes as JSON; 'id' says who it is. @FILE reads a file, @- standard input
    #[arg(long, value_name = "JSON|@FILE")]
    customer: String,
    /// The campaign that the message belongs to
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    /// The message's id: rendered again under the same one, it shows the same codes [default: CAMPAIGN/CUSTOMER]
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
    /// Further variables of the template, as JSON
    #[arg(long, value_name = "JSON|@FILE")]
    context: Option<String>,
    /// What it is rendered for: 'test' takes codes that 'voucher reclaim --test' gives back, 'preview' takes none
    #[arg(long, default_value = "live", value_parser = PossibleValuesParser::new(["live", "test", "preview"]))]
    mode: String,
    /// The folder of the templates
    #[arg(long, value_name = "DIR", default_value = "templates")]
    templates: PathBuf,
    /// Print the text of this part instead of the outcome
    #[arg(long, value_name = "NAME")]
    part: Option<String>,
    #[command(flatten)]
    delivery: DeliveryArguments,
}

impl Render {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit> {
        let message = self.message()?;
        let delivery = self.delivery.prepare(&message, context)?;
        let renderer = context.renderer(context.limits, &self.templates)?;
        let template = match renderer.load(&self.template, message.channel) {
            Err(error) if error.kind() == ErrorKind::Template => return self.broken(&message, error, context),
            template => Arc::new(template?),
        };
        let outcome = match message.purpose {
            Purpose::Preview => preview(&template, &Arc::new(message), &catalogue(context).await?),
            Purpose::Live | Purpose::Test => personalize(&template, message, context).await?,
        };
        let outcome = outcome.accepted().map_err(|error| error.with_help("give another '--message-id'"))?;
        self.print(&outcome, context)?;
        if let Some(delivery) = delivery {
            deliver(&delivery, &outcome, context).await?;
        }
        Ok(Exit::from(&outcome))
    }

    fn message(&self) -> Result<Message> {
        let customer = attributes("--customer", &self.customer)?;
        let campaign = self.campaign.as_deref().map(CampaignId::new).transpose()?;
        let campaign = campaign.iter().map(|id| ("id", Field::text(id.as_str())));
        let variables = self.context.as_deref().map(|text| attributes("--context", text)).transpose()?;
        let message_id = self.message_id.as_deref().map(MessageId::new).transpose()?;
        let way = (self.channel.parse()?, self.mode.parse()?);
        Message::new(message_id, way, customer, Attributes::from_fields(campaign), variables.unwrap_or_default())
    }

    /// The outcome of a message whose template does not compile. The error shows the author's line.
    fn broken(&self, message: &Message, error: Error, context: &Context) -> Result<Exit> {
        if self.part.is_none() {
            context.output.json(&Outcome::of_broken_template(message, &error))?;
        }
        Err(error)
    }

    fn print(&self, outcome: &Outcome, context: &Context) -> Result<()> {
        match (&outcome.result, &self.part) {
            (_, None) => context.output.json(outcome),
            (Ok(rendered), Some(part)) => context.output.text(text_of(rendered, part)?),
            (Err(shortfall), Some(_)) => {
                context.output.warn(format!("the message is {}: {}", outcome.status().as_str(), shortfall.message));
                Ok(())
            }
        }
    }
}

async fn personalize(template: &Arc<Template>, message: Message, context: &Context) -> Result<Outcome> {
    let store = context.open().await?;
    let threads = Arc::new(RenderThreads::start(NonZeroUsize::MIN)?);
    let watch = context.watch(Arc::clone(&store) as _)?;
    let personalizer = Personalizer::new(Arc::clone(template), Arc::clone(&store) as _, store as _, threads);
    let outcomes = personalizer.watched_by(Some(watch.stock.clone())).personalize(vec![message]).await;
    watch.end().await;
    let none = || Error::new(ErrorKind::Contended, "the message has no outcome");
    outcomes?.into_iter().next().ok_or_else(none)
}

/// What a preview may know of the pools. Templates are written before there is a store.
async fn catalogue(context: &Context) -> Result<Arc<Catalogue>> {
    match context.open().await {
        Ok(store) => store.catalogue().await.map(Arc::new),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            context.output.warn(format!("{error}, so this preview knows no pools"));
            Ok(Arc::default())
        }
        Err(error) => Err(error),
    }
}

fn attributes(argument: &str, text: &str) -> Result<Attributes> {
    argument::attributes(argument, text, "write an object such as '{\"id\": \"c42\"}', or @FILE")
}

fn text_of<'a>(rendered: &'a Personalized, part: &str) -> Result<&'a str> {
    let find = rendered.parts.iter().find(|(name, _)| *name == part);
    find.map(|(_, text)| text.as_str()).ok_or_else(|| {
        let names: Vec<&str> = rendered.parts.iter().map(|(name, _)| *name).collect();
        Error::new(ErrorKind::InvalidInput, format!("--part: the message has no part '{part}'"))
            .with_help(format!("it has {}", names.join(", ")))
    })
}
