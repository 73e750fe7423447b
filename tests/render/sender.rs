//! A sender without a store: it answers what a message asks for from its input's head.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tearoff::render::{
    Attributes, Failure, Known, Limits, Message, Purpose, Renderer, Rendering, Suspension, Template,
};
use tearoff::voucher::{
    Binding, Catalogue, Channel, Claim, Code, Count, MessageId, Metadata, PoolCard, PoolName, Source, State, Voucher,
    VoucherRecord, Width,
};

/// The moment of every message.
const NOW: &str = "2026-11-20T09:00:00Z";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Head {
    channel: Channel,
    mode: Purpose,
    message_id: Option<String>,
    customer: Attributes,
    campaign: Attributes,
    context: Attributes,
    limits: Limits,
    pools: BTreeMap<String, Pool>,
    /// Every other pool gives its own name in angle brackets.
    any_pool: bool,
    vouchers: Vec<Held>,
}

impl Default for Head {
    fn default() -> Head {
        Head {
            channel: Channel::Sms,
            mode: Purpose::Live,
            message_id: Some("m1".to_owned()),
            customer: Attributes::from_json(r#"{"id": "c1", "first_name": "Ada"}"#).unwrap(),
            campaign: Attributes::default(),
            context: Attributes::default(),
            limits: Limits::default(),
            pools: BTreeMap::from([("spring".to_owned(), Pool::default()), ("vip".to_owned(), Pool::default())]),
            any_pool: false,
            vouchers: Vec::new(),
        }
    }
}

/// What the store has of a pool. Without `codes`, they are `<POOL>-1` and so on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pool {
    codes: Option<Vec<String>>,
    metadata: Metadata,
    expires_at: Option<String>,
    available: u64,
    total: u64,
    preview_code: Option<Code>,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool { codes: None, metadata: Metadata::new(), expires_at: None, available: 7, total: 9, preview_code: None }
    }
}

/// A voucher that the customer has already.
#[derive(Deserialize)]
struct Held {
    code: String,
    pool: String,
    state: State,
}

/// The files of a template: parts, and partials with a folder in their name.
pub(crate) struct Case {
    parts: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

impl Case {
    /// One `body.txt`.
    pub(crate) fn part(source: &str) -> Case {
        Case { parts: vec![("body.txt".to_owned(), source.to_owned())], folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn read(source: &str) -> Case {
        let source = source.strip_suffix('\n').unwrap_or(source);
        let Some(files) = source.strip_prefix("=== ") else { return Case::part(source) };
        let mut case = Case { parts: Vec::new(), folder: tempfile::tempdir().unwrap() };
        for file in files.split("\n=== ") {
            let (name, text) = file.split_once('\n').unwrap_or((file, ""));
            if name.contains('/') {
                let path = case.folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            } else {
                case.parts.push((name.to_owned(), text.to_owned()));
            }
        }
        case
    }

    fn compile(&self, head: &Head) -> Result<Template, String> {
        let renderer = Renderer::new(head.limits).in_folder(self.folder.path());
        renderer.compile("sale", head.channel, self.parts.clone()).map_err(|error| {
            let help = error.help().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
            format!("{:?}: {error}{help}", error.kind())
        })
    }
}

/// A complete message and how it came about.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) passes: usize,
    pub(crate) asked: Vec<String>,
    pub(crate) shown: Vec<String>,
    pub(crate) parts: Vec<(&'static str, String)>,
}

impl Head {
    /// A text message to this customer.
    pub(crate) fn of(customer: Attributes) -> Head {
        Head { customer, ..Head::default() }
    }

    /// What the first pass gives.
    pub(crate) fn rendering(&self, case: &Case) -> Rendering {
        case.compile(self).unwrap().render(&Arc::new(self.message().unwrap()), &Arc::default())
    }

    pub(crate) fn send(&self, case: &Case) -> Result<Sent, String> {
        let template = case.compile(self)?;
        let message = Arc::new(self.message().map_err(|error| error.to_string())?);
        if self.mode == Purpose::Preview {
            let rendered = template.preview(&message, &Arc::new(self.catalogue())).map_err(|failure| told(&failure))?;
            let shown = rendered.vouchers.iter().map(|used| shown(&used.pool, used.width, &used.binding)).collect();
            return Ok(Sent { passes: 1, asked: Vec::new(), shown, parts: rendered.parts });
        }
        self.drive(&template, &message)
    }

    /// Renders until nothing is asked for any more.
    fn drive(&self, template: &Template, message: &Arc<Message>) -> Result<Sent, String> {
        let (mut known, mut asked, mut given) = (Known::default(), Vec::new(), BTreeMap::new());
        for passes in 1.. {
            let suspension = match template.render(message, &Arc::new(known.clone())) {
                Rendering::Complete(rendered) => {
                    let shown = rendered.vouchers.iter().map(|used| shown(&used.pool, used.width, &used.binding));
                    return Ok(Sent { passes, asked, shown: shown.collect(), parts: rendered.parts });
                }
                Rendering::Failed(failure) => return Err(told(&failure)),
                Rendering::Suspended(suspension) => suspension,
            };
            match suspension {
                Suspension::Claim(claim) => {
                    asked.push(format!("{}/{}", claim.pool, width(claim.width)));
                    let binding = self.bind(&claim, &mut given)?;
                    known.bind(claim.pool, claim.width, binding);
                }
                Suspension::Count(pool) => {
                    asked.push(format!("count of {pool}"));
                    let count = self.pool(&pool)?.count();
                    known.set_count(pool, count);
                }
                Suspension::CustomerVouchers => {
                    asked.push("customer.vouchers".to_owned());
                    known.set_customer_vouchers(self.vouchers.iter().map(Held::record).collect());
                }
            }
        }
        unreachable!("a message ends")
    }

    fn message(&self) -> tearoff::Result<Message> {
        let id = self.message_id.as_ref().map(MessageId::new).transpose()?;
        let (customer, campaign, context) = (self.customer.clone(), self.campaign.clone(), self.context.clone());
        let mut message = Message::new(id, (self.channel, self.mode), customer, campaign, context)?;
        message.instant = NOW.parse().unwrap();
        Ok(message)
    }

    fn pool(&self, name: &PoolName) -> Result<&Pool, String> {
        self.pools.get(name.as_str()).ok_or_else(|| format!("refused: there is no pool {name}"))
    }

    /// The next code of the claim's pool.
    fn bind(&self, claim: &Claim, given: &mut BTreeMap<PoolName, usize>) -> Result<Binding, String> {
        if self.any_pool {
            return Ok(binding(
                claim,
                Voucher { code: Code::new(format!("<{}>", claim.pool)).unwrap(), ..Pool::default().voucher() },
            ));
        }
        let pool = self.pool(&claim.pool)?;
        let given = given.entry(claim.pool.clone()).or_default();
        *given += 1;
        let code = match &pool.codes {
            None => format!("{}-{given}", claim.pool.as_str().to_uppercase()),
            Some(codes) => {
                codes.get(*given - 1).ok_or_else(|| format!("refused: pool {} is empty", claim.pool))?.clone()
            }
        };
        Ok(binding(claim, Voucher { code: Code::new(code).unwrap(), ..pool.voucher() }))
    }

    fn catalogue(&self) -> Catalogue {
        let card = |(name, pool): (&String, &Pool)| {
            let Voucher { metadata, expires_at, .. } = pool.voucher();
            let name = PoolName::new(name).unwrap();
            let preview_code = pool.preview_code.clone().unwrap_or_else(|| Code::preview_of(&name));
            (name, PoolCard { preview_code, count: pool.count(), metadata, expires_at })
        };
        self.pools.iter().map(card).collect()
    }
}

fn binding(claim: &Claim, voucher: Voucher) -> Binding {
    let (source, from) = (Source::Pool, claim.pool.clone());
    Binding { voucher, source, from, assigned_at: NOW.parse().unwrap(), reserved: true }
}

impl Pool {
    fn count(&self) -> Count {
        Count { available: self.available, total: self.total }
    }

    fn voucher(&self) -> Voucher {
        let expires_at = self.expires_at.as_ref().map(|instant| instant.parse().unwrap());
        Voucher { code: Code::new("none").unwrap(), expires_at, metadata: Arc::new(self.metadata.clone()) }
    }
}

impl Held {
    fn record(&self) -> VoucherRecord {
        VoucherRecord {
            code: Code::new(&self.code).unwrap(),
            pool: PoolName::new(&self.pool).unwrap(),
            state: self.state,
            customer_id: None,
            campaign_id: None,
            message_id: None,
            channel: None,
            mode: None,
            assigned_at: Some(NOW.parse().unwrap()),
            expires_at: None,
            redeemed_at: None,
            metadata: Metadata::new(),
        }
    }
}

fn width(width: Width) -> String {
    match width {
        Width::Occurrence(n) => format!("occurrence {n}"),
        Width::Message => "message".to_owned(),
        Width::Campaign => "campaign".to_owned(),
        Width::Customer => "customer".to_owned(),
    }
}

fn shown(pool: &PoolName, of: Width, binding: &Binding) -> String {
    format!("{pool}/{} {}", width(of), binding.voucher.code.as_str())
}

fn told(failure: &Failure) -> String {
    let what = match failure {
        Failure::Template(_) => "template error",
        Failure::OutputTooLarge(_) => "output too large",
        Failure::Aborted(_) => "aborted",
        Failure::UnknownPool(..) => "unknown pool",
    };
    format!("{what}: {failure:#}")
}
