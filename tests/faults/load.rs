//! Senders at work, as campaigns do it: each with a store of its own, in batches, trying again until there is an outcome.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tearoff::campaign::{Outcome, Personalizer, RenderThreads, Status};
use tearoff::render::{Attributes, Limits, Message, Purpose, Renderer, Template};
use tearoff::store::RedisOptions;
use tearoff::voucher::{Channel, Code, MessageId, Metadata, NewVoucher, PoolName, PoolSettings, Store};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::checker;
use crate::drowsy::Drowsy;
use crate::open::open;
use crate::sink::Sink;

/// Every customer needs a code of `spring`, of which there are too few, and some two of `extra`. The messages to some others
/// end when they have a code: it goes back, and others get it.
const TEMPLATE: &str = "{{ vouchers.spring.assign_available() }}\
    {% if customer.id|last == '5' %}{% abort %}{% endif %}\
    {% if customer.id|last in '369' %} {{ vouchers.extra.assign_available(cached=false) }} \
    {{ vouchers.extra.assign_available(cached=false) }}{% endif %}";

/// Short, so that what a dead sender held comes back while others still want it.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// How long a call may take in these tests.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a whole load of 6,000 messages may take.
const AT_MOST: Duration = Duration::from_secs(150);

/// How many times as many messages a long run sends.
fn length() -> u32 {
    if std::env::var_os("TEAROFF_LONG").is_some() { 10 } else { 1 }
}

/// How long a whole load may take.
fn at_most() -> Duration {
    AT_MOST * length()
}

/// What is to be sent, and from where.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) url: String,
    pub(crate) options: RedisOptions,
    pub(crate) codes: usize,
    pub(crate) messages: usize,
    pub(crate) senders: usize,
    pub(crate) batch: usize,
    /// How many attempts in a hundred are given up in the middle, as if the sender had died, and how many batches go out
    /// once more, as if the provider's answer had been lost.
    pub(crate) unrest: u32,
    /// How many settling calls in a hundred are made only after the lease has run out: the sender slept.
    pub(crate) drowsy: u32,
}

impl Load {
    pub(crate) fn on(url: String) -> Load {
        let long = length() as usize;
        Load {
            url,
            options: RedisOptions::default().patience(PATIENCE),
            codes: 5_000 * long,
            messages: 6_000 * long,
            senders: 8,
            batch: 25,
            unrest: 10,
            drowsy: 0,
        }
    }

    /// The same on a store that may lose things, or that must have so many replicas.
    #[must_use]
    pub(crate) fn with(self, set: impl FnOnce(RedisOptions) -> RedisOptions) -> Load {
        Load { options: set(self.options), ..self }
    }

    /// How many messages keep their code, if they get one.
    pub(crate) fn wanted(&self) -> usize {
        (0..self.messages).filter(|number| keeps(&message(*number).message_id)).count()
    }

    /// The pools and their codes.
    pub(crate) fn stock(&self) -> [(PoolName, Vec<Code>); 2] {
        [("spring", self.codes), ("extra", self.messages)].map(|(pool, count)| {
            let codes = (0..count).map(|number| Code::new(format!("{pool}-{number:06}")).unwrap());
            (PoolName::new(pool).unwrap(), codes.collect())
        })
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        open(&self.url, self.options.clone()).await.unwrap()
    }

    /// Makes the pools, imports the codes and sets the senders to work.
    pub(crate) async fn start(self) -> Running {
        let store = self.open().await;
        for (pool, codes) in self.stock() {
            store.create_pool(&pool, &PoolSettings::default()).await.unwrap();
            let new = |code| NewVoucher { code, expires_at: None, metadata: Metadata::new() };
            store.import(&pool, &codes.into_iter().map(new).collect::<Vec<_>>()).await.unwrap();
        }
        let seed = rand::rng().random();
        eprintln!("the senders' seed is {seed}");
        let mut chance = StdRng::seed_from_u64(seed);
        let sink = Arc::new(Sink::default());
        let threads = Arc::new(RenderThreads::start(NonZeroUsize::new(2).unwrap()).unwrap());
        let mut senders = JoinSet::new();
        for number in 0..self.senders {
            let chance = StdRng::seed_from_u64(chance.random());
            let store = self.open().await;
            let claims = Arc::new(Drowsy { store: store.clone(), share: self.drowsy });
            let personalizer = Personalizer::new(Arc::new(sms(TEMPLATE)), claims, store, threads.clone());
            let personalizer = personalizer.with_lease_time(LEASE);
            senders.spawn(Sender { load: self.clone(), personalizer, sink: sink.clone(), chance }.send_all(number));
        }
        Running { load: self, sink, senders, began: Instant::now() }
    }
}

/// A load on its way.
pub(crate) struct Running {
    load: Load,
    pub(crate) sink: Arc<Sink>,
    senders: JoinSet<()>,
    began: Instant,
}

impl Running {
    /// Waits until so large a share of the messages has an outcome. There is more to come then.
    pub(crate) async fn reach(&self, share: f64) {
        let reached = |ended: usize| ended as f64 >= share * self.load.messages as f64;
        let wait = async {
            while !reached(self.sink.ended()) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(at_most(), wait).await.expect("the senders go on");
        assert!(self.sink.ended() < self.load.messages, "nothing was left to send");
    }

    /// Whether every message has an outcome.
    pub(crate) fn is_over(&self) -> bool {
        assert!(self.began.elapsed() < at_most(), "the senders come to no end");
        self.sink.ended() == self.load.messages
    }

    /// Lets the senders end.
    pub(crate) async fn finish(mut self) -> Ended {
        let all = async {
            while let Some(sender) = self.senders.join_next().await {
                sender.unwrap();
            }
        };
        timeout(at_most(), all).await.expect("the senders come to an end");
        Ended { load: self.load, sink: self.sink }
    }

    /// Lets the senders end, and checks everything.
    pub(crate) async fn check(self) -> Ended {
        let ended = self.finish().await;
        let findings = ended.findings().await;
        assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings[..findings.len().min(20)].join("\n"));
        ended
    }
}

/// A load whose senders have ended.
pub(crate) struct Ended {
    pub(crate) load: Load,
    pub(crate) sink: Arc<Sink>,
}

impl Ended {
    /// What is not as it should be.
    pub(crate) async fn findings(&self) -> Vec<String> {
        checker::findings(&*self.load.open().await, &self.load, &self.sink).await
    }
}

struct Sender {
    load: Load,
    personalizer: Personalizer,
    sink: Arc<Sink>,
    chance: StdRng,
}

impl Sender {
    /// Sends every message whose turn it is.
    async fn send_all(mut self, first: usize) {
        let messages: Vec<_> = (first..self.load.messages).step_by(self.load.senders).map(message).collect();
        for batch in messages.chunks(self.load.batch) {
            let outcomes = self.send(batch).await;
            self.sink.take(&outcomes);
            if self.strikes() {
                let rendered = outcomes.iter().zip(batch).filter(|(outcome, _)| outcome.status() == Status::Rendered);
                let again: Vec<_> = rendered.map(|(_, message)| message.clone()).collect();
                let outcomes = self.send(&again).await;
                self.sink.take(&outcomes);
            }
        }
    }

    /// Tries until every message of the batch has its outcome. Every attempt has a new lease.
    async fn send(&mut self, batch: &[Message]) -> Vec<Outcome> {
        loop {
            let given_up = if self.strikes() { self.chance.random_range(0..30) } else { 60_000 };
            let attempt = self.personalizer.personalize(batch.to_vec());
            match timeout(Duration::from_millis(given_up), attempt).await {
                Ok(Ok(outcomes)) => return outcomes,
                Ok(Err(error)) => {
                    assert!(error.is_retryable(), "{error:?} of {:?}", error.cause());
                    self.sink.retried();
                    sleep(Duration::from_millis(self.chance.random_range(5..50))).await;
                }
                Err(_) => {}
            }
        }
    }

    fn strikes(&mut self) -> bool {
        self.chance.random_range(0..100) < self.load.unrest
    }
}

pub(crate) fn sms(source: &str) -> Template {
    Renderer::new(Limits::default()).compile("test", Channel::Sms, [("body.txt", source)]).unwrap()
}

/// Whether a message keeps the code that it gets.
pub(crate) fn keeps(message: &MessageId) -> bool {
    !message.as_str().ends_with('5')
}

/// The message of the campaign `spring` to the customer of this number.
pub(crate) fn message(number: usize) -> Message {
    let customer = Attributes::from_json(&format!(r#"{{"id": "c{number}"}}"#)).unwrap();
    let campaign = Attributes::from_json(r#"{"id": "spring"}"#).unwrap();
    Message::new(None, (Channel::Sms, Purpose::Live), customer, campaign, Attributes::default()).unwrap()
}
