//! The protocol as an executable specification, and a search through everything that can happen to it.
//!
//! `rules.rs` names the clauses of the rules, `store.rs` says what one pool does in one atomic step, `sender.rs` how a
//! message goes through it, `world.rs` what clocks, the network and the operator do meanwhile, `properties.rs` what
//! must never come of it. With all clauses every configuration is safe; with any one of them off, a shortest
//! counterexample is found. `cargo test --test protocol_model -- --nocapture --test-threads=1` prints them.

#![expect(unreachable_pub, reason = "a test has no outside")]

mod configurations;
mod model;
mod properties;
mod rules;
mod search;
mod sender;
mod set;
mod state;
mod step;
mod store;
mod world;

use configurations::Configuration;
use model::Model;
use properties::Breach;
use rules::{Clause, Rules};
use search::search;

#[test]
fn every_configuration_is_safe() {
    for configuration in configurations::all() {
        let model = Model::new(configuration, Rules::ALL);
        let found = search(&model, None);
        println!("{:<52} {:>7} states", model.configuration.name, found.states);
        assert!(found.counterexample.is_none(), "{}: {}", model.configuration.name, found.counterexample.unwrap());
    }
}

#[test]
fn every_clause_is_needed() {
    for clause in Clause::EACH {
        let (configuration, breach) = falls_without(clause);
        let model = Model::new(configuration, Rules::without(clause));
        let found = search(&model, Some(breach));
        let counterexample = found.counterexample.unwrap_or_else(|| panic!("{clause}: never found that {breach}"));
        println!("\n{clause}\n  {}: {counterexample}", model.configuration.name);
    }
}

/// Where a clause is missed, and how.
fn falls_without(clause: Clause) -> (Configuration, Breach) {
    match clause {
        Clause::OneTag => (configurations::two_workers(), Breach::RefusedThoughAlive),
        Clause::FreshLease => (configurations::late_packet(), Breach::RefusedThoughAlive),
        Clause::SettleCompares => (configurations::wider_key(), Breach::TwoCustomers),
        Clause::KeptIsComplete => (configurations::wider_key(), Breach::TwoCustomers),
        Clause::CommitBeforeDelivery => (configurations::last_code(), Breach::TwoCustomers),
        Clause::AssignedIsFinal => (configurations::two_pools(), Breach::DeliveredGone),
        Clause::AllOrNothing => (configurations::two_workers(), Breach::FailedKeeps),
        Clause::EmptyIsExact => (configurations::last_code(), Breach::SpuriousEmpty),
        Clause::ContendedGivesBack => (configurations::crossed_pools(), Breach::Stuck),
        Clause::ModesDoNotMix => (configurations::test_beside_live(), Breach::TwoCustomers),
        Clause::ChoiceIsBound => (configurations::overflow(), Breach::OtherCodes),
        Clause::CodeBeforeChoice => (configurations::overflow(), Breach::Stuck),
        Clause::EmptyFollowsFreshChoice => (configurations::overflow(), Breach::SpuriousEmpty),
        Clause::ReleaseRetires => (configurations::release(), Breach::DeliveredAfterRelease),
        Clause::RetiredCannotSettle => (configurations::release_of_a_wider_key(), Breach::DeliveredAfterRelease),
        Clause::ReleaseSparesWiderKeys => (configurations::release_beside_wider_key(), Breach::TwoCustomers),
        Clause::UseIsOneStep => (configurations::two_tills(), Breach::UsedTwice),
        Clause::EventIsRemembered => (configurations::use_taken_back(), Breach::UsedAgain),
        Clause::UsedStays => (configurations::release_of_a_used_code(), Breach::UsedCodeShown),
        Clause::VoidCannotSettle => (configurations::void(), Breach::VoidAccepted),
    }
}
