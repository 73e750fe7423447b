//! Many who want the same.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tearoff::campaign::{Outcome, Personalizer, Reason, RenderThreads};
use tearoff::render::{Attributes, Message, Purpose};
use tearoff::voucher::{Channel, MessageId, PoolCounts, PoolName, Store};
use tokio::task::JoinSet;

use crate::load::{Load, keeps, message, sms};
use crate::servers::Server;

/// Another 167 messages give their codes back. Fails on a build that takes codes without looking first whether the claim's key
/// has one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_senders_share_a_thousand_codes_among_fifteen_hundred_messages() {
    let server = Server::start();
    let load = Load { codes: 1_000, messages: 1_667, senders: 64, batch: 4, ..Load::on(server.url()) };
    assert_eq!(load.wanted(), 1_500);
    let ended = load.start().await.check().await;
    let codes: HashSet<_> =
        ended.sink.deliveries().into_iter().map(|delivery| delivery.codes[0].1.as_str().to_owned()).collect();
    assert_eq!(codes.len(), 1_000);
    assert_eq!(ended.sink.failures().iter().filter(|message| keeps(message)).count(), 500);
}

/// A store with the pools of a load, and nothing sent.
async fn stocked(server: &Server) -> (Load, Arc<dyn Store>) {
    let load = Load { codes: 100, messages: 0, ..Load::on(server.url()) };
    let store = load.open().await;
    load.clone().start().await.finish().await;
    (load, store)
}

fn personalizer(store: Arc<dyn Store>) -> Personalizer {
    let threads = Arc::new(RenderThreads::start(NonZeroUsize::MIN).unwrap());
    Personalizer::new(Arc::new(sms("{{ vouchers.spring.assign_available() }}")), store.clone(), store, threads)
}

async fn counts(store: &dyn Store) -> PoolCounts {
    store.pool(&PoolName::new("spring").unwrap()).await.unwrap().unwrap().counts
}

fn code(outcome: &Outcome) -> String {
    outcome.result.as_ref().expect("a rendered message").parts[0].1.clone()
}

/// Fails on a build that takes codes without looking first whether the claim's key has one, and on one that accepts only what
/// the settling lease itself holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_rendered_by_eight_workers_at_once_has_one_code() {
    let server = Server::start();
    let (load, store) = stocked(&server).await;
    let mut workers = Vec::new();
    for _ in 0..8 {
        workers.push(personalizer(load.open().await));
    }
    for number in 0..50 {
        let mut renders = JoinSet::new();
        for worker in workers.clone() {
            renders.spawn(async move { worker.personalize(vec![message(number)]).await.unwrap().remove(0) });
        }
        let codes: HashSet<_> = renders.join_all().await.iter().map(code).collect();
        assert_eq!(codes.len(), 1);
    }
    let counts = counts(&*store).await;
    assert_eq!((counts.assigned, counts.reserved, counts.available), (50, 0, 50));
}

/// Fails on a build that looks neither in the registry nor in the pool whose a message is; each of the two is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_id_that_comes_back_with_another_customer_gets_nothing() {
    let server = Server::start();
    let (_, store) = stocked(&server).await;
    let personalizer = personalizer(store.clone());
    let of = |customer: &str| {
        let customer = Attributes::from_json(&format!(r#"{{"id": "{customer}"}}"#)).unwrap();
        let id = Some(MessageId::new("order-1").unwrap());
        Message::new(id, (Channel::Sms, Purpose::Live), customer, Attributes::default(), Attributes::default()).unwrap()
    };
    let ada = code(&personalizer.personalize(vec![of("ada")]).await.unwrap()[0]);
    let before = counts(&*store).await;
    let bob = personalizer.personalize(vec![of("bob")]).await.unwrap().remove(0);
    assert_eq!(bob.shortfall().map(|shortfall| shortfall.reason), Some(Reason::MessageConflict));
    assert!(!serde_json::to_string(&bob).unwrap().contains(&ada));
    assert_eq!(counts(&*store).await, before);
    assert_eq!(code(&personalizer.personalize(vec![of("ada")]).await.unwrap()[0]), ada);
}
