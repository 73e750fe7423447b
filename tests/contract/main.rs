//! What every store must do: each promise and each rule of the protocol as a test that runs against each store.
//!
//! A store joins with a [`Fixture`](fixture::Fixture) and one `store_contract!` line.

#![allow(clippy::unwrap_used)]

mod assignments;
#[path = "../canary/mod.rs"]
mod canary;
mod claims;
mod concurrency;
mod desk;
mod fixture;
mod forget;
mod generating;
mod journal;
mod leases;
mod limits;
mod lookups;
mod model;
mod overflow;
mod redemption;
mod redis_fixture;
#[path = "../servers/mod.rs"]
mod servers;
mod settling;
mod stock;
mod stock_life;
mod world;

/// Runs every promise against a store.
macro_rules! store_contract {
    ($store:ident, $fixture:ty) => {
        mod $store {
            promises! {
                $fixture;
                claims: [
                    a_claim_asked_again_gets_the_same_voucher,
                    equal_keys_in_one_call_share_a_voucher,
                    earlier_claims_come_first,
                    occurrences_get_codes_of_their_own,
                    a_code_is_shared_as_widely_as_its_width_says,
                    a_claim_by_campaign_without_one_is_an_error,
                    codes_come_in_random_order,
                    a_call_of_any_size_takes_no_code_twice,
                    an_id_of_any_letters_is_found_again,
                    the_earliest_expiry_comes_first,
                    an_expired_voucher_is_never_taken,
                    validity_is_the_earliest_end_and_fixed_when_taken,
                    an_expired_binding_is_replaced_and_stays_in_the_history,
                    what_a_voucher_brings_along_comes_with_it,
                    an_unknown_pool_is_refused,
                    a_paused_pool_serves_what_is_bound_and_nothing_new,
                    an_empty_pool_is_final_without_other_leases,
                    an_empty_pool_is_contended_while_another_lease_holds_its_vouchers,
                    a_test_reservation_holds_stock,
                    test_and_live_never_share_a_voucher,
                ],
                leases: [
                    what_a_lease_that_ran_out_reserved_goes_back_before_the_answer,
                    a_call_without_claims_renews_the_lease,
                    a_lease_goes_back_only_with_what_carries_its_tag,
                    a_reservation_of_another_lease_is_tagged_anew,
                    what_is_tagged_anew_is_no_rivals,
                    what_another_has_tagged_anew_is_a_rivals,
                    what_is_tagged_to_and_fro_goes_back_once,
                    a_large_lease_goes_back_whole,
                    a_late_settle_cannot_keep_a_code_that_went_back,
                    a_late_settle_never_shows_a_code_of_somebody_else,
                    a_store_opened_later_sees_what_a_dead_sender_left,
                ],
                settling: [
                    what_is_kept_is_assigned_and_the_rest_goes_back,
                    nothing_kept_is_a_release,
                    settling_again_gives_the_same_answer,
                    one_wrong_code_refuses_the_whole_message,
                    a_refused_message_does_not_touch_its_neighbours,
                    the_key_must_match_and_not_only_the_code,
                    a_binding_under_any_tag_may_be_kept,
                    a_wider_key_is_assigned_once_and_kept_by_many,
                    a_shared_code_belongs_to_the_message_accepted_first,
                    a_message_without_codes_is_accepted_and_known,
                    a_code_shown_twice_is_assigned_once,
                    an_accepted_id_belongs_to_its_customer_and_mode,
                    an_id_goes_to_one_customer_and_mode_of_a_call,
                    a_reserved_id_goes_to_the_customer_accepted_first,
                    a_refused_id_belongs_to_nobody,
                    an_id_is_not_bound_to_its_channel,
                    an_expired_code_is_not_kept,
                    an_unknown_pool_is_not_kept,
                    a_usual_id_belongs_to_its_customer,
                    a_usual_id_without_a_code_of_its_own_is_known,
                    a_usual_id_belongs_to_its_mode,
                    a_refused_copy_takes_no_id_from_an_accepted_one,
                ],
                limits: [
                    a_total_limit_counts_reserved_and_assigned,
                    a_campaign_limit_counts_that_campaign,
                    a_customer_limit_counts_that_customer,
                    a_customer_limit_counts_messages_of_any_id,
                    a_limit_never_touches_what_is_bound,
                    what_is_released_no_longer_counts,
                    what_is_expired_no_longer_counts,
                    tests_count_for_no_limit,
                    a_limit_is_contended_while_another_lease_counts_for_it,
                    a_final_limit_wins_over_a_contended_one,
                    vouchers_of_other_pools_count_for_the_pool_that_was_named,
                    a_shared_code_counts_for_the_campaign_that_kept_it,
                    a_limit_of_a_period_counts_that_period,
                    a_voucher_counts_when_it_was_taken,
                    what_is_released_leaves_its_period,
                    a_limit_of_a_period_is_contended_within_it,
                    a_web_layer_leaves_the_floor,
                    each_pool_of_a_chain_has_its_own_floor,
                    the_use_of_limits_is_told,
                ],
                redemption: [
                    a_voucher_is_used_once,
                    redemptions_stand_for_themselves,
                    what_nobody_was_given_is_not_used,
                    what_is_over_is_not_used,
                    rules_decide_for_the_present_holder,
                    answers_are_remembered,
                    a_use_is_taken_back,
                    a_use_taken_back_too_late_is_over,
                    a_used_voucher_stays_with_its_customer,
                    a_voucher_is_ended_by_hand,
                    an_ended_voucher_is_replaced_under_its_key,
                    an_ended_voucher_is_refused_to_its_message,
                    an_ended_voucher_does_not_go_back_with_its_lease,
                    limits_count_what_is_used_and_not_what_is_ended,
                    a_deleted_pool_forgets_uses,
                    every_state_allows_its_steps_and_no_others,
                ],
                overflow: [
                    an_empty_pool_takes_from_its_overflow_chain,
                    a_paused_pool_of_the_chain_is_passed_over,
                    the_choice_of_an_overflow_pool_is_bound,
                    the_first_fallback_code_of_the_chain_is_given,
                    the_choice_of_a_fallback_code_is_bound,
                    a_fallback_code_that_is_not_kept_is_unbound,
                    a_reservation_down_the_chain_is_contended,
                    asking_an_empty_chain_uses_no_limit_up,
                    a_code_of_the_chain_counts_until_it_expires,
                    a_long_chain_is_followed_to_its_end,
                    what_was_used_stays_bound_through_the_chain,
                ],
                lookups: [
                    an_expired_voucher_outlives_a_release_of_its_successor,
                    looking_up_bindings_changes_nothing,
                    reservations_of_ran_out_leases_look_unbound,
                    a_voucher_is_known_in_every_state,
                    a_customer_sees_their_vouchers_oldest_first,
                    the_vouchers_of_a_pool_come_page_by_page,
                    counts_follow_every_step,
                    counts_take_no_notice_of_ran_out_leases,
                    pools_come_by_name_with_their_settings,
                    a_catalogue_knows_everything_but_codes,
                    an_examined_store_is_sound,
                ],
                stock: [
                    a_pool_is_made_once,
                    overflow_must_exist_and_not_come_back,
                    settings_are_replaced_as_a_whole,
                    a_code_is_once_in_the_project,
                    importing_again_changes_nothing,
                    codes_within_codes_are_told_apart,
                    imports_at_once_share_no_code,
                    imports_at_once_lose_no_code,
                    importing_into_no_pool_is_an_error,
                    a_pool_in_use_is_not_deleted,
                    a_deleted_pool_leaves_nothing_behind,
                    deleting_a_pool_keeps_what_its_customers_got_from_others,
                ],
                desk: [
                    a_released_message_gives_back_its_own_keys_and_is_retired,
                    wider_keys_stay_when_a_message_is_released,
                    releasing_again_gives_back_nothing_more,
                    a_message_that_only_reserves_can_be_released,
                    a_usual_id_can_be_released,
                    a_message_of_any_id_can_be_released,
                    an_unknown_message_cannot_be_released,
                    reclaiming_tests_leaves_live_messages_alone,
                ],
                stock_life: [
                    an_import_is_undone,
                    an_undone_import_takes_what_ran_out_leases_held,
                    an_unknown_import_is_not_undone,
                    an_undone_import_stays_undone,
                    low_stock_is_told_once,
                    low_stock_leaves_out_what_may_come_back,
                    low_stock_is_told_again_after_a_refill,
                    low_stock_sees_a_refill_that_nobody_looked_at,
                    low_stock_counts_what_can_be_given,
                    low_stock_is_told_to_one,
                ],
                journal: [
                    every_step_stands_in_the_journal,
                    a_history_tells_of_one_voucher,
                    a_batch_is_one_entry_of_each_pool,
                    what_changes_nothing_is_no_entry,
                    an_undone_import_stands_in_the_journal,
                    a_position_outlives_what_lies_before_it,
                    trimming_leaves_what_is_younger,
                    a_journal_belongs_to_its_pool,
                    a_reader_of_the_journal_misses_nothing,
                    what_was_given_since_a_moment_is_counted,
                ],
                assignments: [
                    only_matching_vouchers_are_taken,
                    a_matching_claim_is_a_claim,
                    a_matching_claim_takes_from_its_own_pool_only,
                    matching_claims_share_a_pool_with_others,
                    the_latest_step_is_current,
                    a_step_takes_the_place_of_a_messages_voucher,
                    a_later_voucher_stays_current,
                    only_what_is_held_becomes_current,
                    a_current_voucher_that_is_over_is_replaced,
                    a_released_step_leaves_the_current_voucher,
                    a_released_step_leaves_what_was_current,
                    only_a_usable_voucher_becomes_current,
                    a_step_takes_the_place_of_what_is_only_reserved,
                ],
                forget: [
                    a_forgotten_customer_is_nowhere,
                    a_forgotten_customer_may_come_back,
                    messages_of_the_forgotten_are_retired,
                    the_journal_forgets_too,
                    the_voucher_of_a_forgotten_customer_can_be_used,
                    a_customer_whose_message_is_under_way_is_not_forgotten,
                    the_numbers_add_up,
                ],
                concurrency: [
                    many_senders_share_a_pool_without_sharing_a_code,
                    one_message_sent_by_many_at_once_gets_one_code,
                    imports_and_claims_go_together,
                    a_pool_grows_under_those_who_use_it,
                    two_stores_on_the_same_data_never_give_a_code_twice,
                    a_dropped_call_loses_no_code,
                    a_failing_call_touches_no_other,
                    one_of_many_uses_a_code,
                    a_code_is_used_or_ended,
                ],
                generating: [
                    an_empty_pool_with_a_pattern_makes_what_is_missing,
                    a_made_code_is_bound_like_any_other,
                    a_made_code_that_goes_back_is_stock,
                    answers_stay_in_the_order_of_their_claims,
                    a_used_up_pattern_leaves_its_pool_empty,
                    a_made_code_is_once_in_the_project,
                    nobody_waits_for_a_reserved_code,
                    nothing_is_made_for_claims_that_are_refused,
                    an_overflow_pool_makes_codes_for_those_before_it,
                    a_made_code_is_valid_as_long_as_its_pool_says,
                    a_pattern_stands_beside_nothing_that_it_contradicts,
                    many_senders_share_what_is_made,
                ],
                model: [
                    any_mix_of_calls_behaves_as_the_model,
                ],
            }
        }
    };
}

macro_rules! promises {
    ($fixture:ty; $($topic:ident: [$($promise:ident),* $(,)?],)*) => {
        $(mod $topic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                crate::$topic::$promise::<$fixture>().await;
            })*
        })*
    };
}

store_contract!(sqlite_file, crate::fixture::SqliteFile);
store_contract!(sqlite_memory, crate::fixture::SqliteMemory);
store_contract!(sqlite_generating, crate::fixture::Generating<crate::fixture::SqliteMemory>);
store_contract!(redis_alone, crate::redis_fixture::Redis<crate::redis_fixture::Alone>);
store_contract!(redis_cluster, crate::redis_fixture::Redis<crate::redis_fixture::Clustered>);
store_contract!(redis_sentinel, crate::redis_fixture::Redis<crate::redis_fixture::Watched>);
