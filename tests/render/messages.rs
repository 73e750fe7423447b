//! Who a message is for, and under which id.

use tearoff::render::{Attributes, Message, Purpose};
use tearoff::voucher::{Channel, MessageId, Mode};

fn message(id: Option<&str>, purpose: Purpose, customer: &str, campaign: &str) -> tearoff::Result<Message> {
    let id = id.map(MessageId::new).transpose()?;
    let (customer, campaign) = (Attributes::from_json(customer)?, Attributes::from_json(campaign)?);
    Message::new(id, (Channel::Email, purpose), customer, campaign, Attributes::default())
}

#[test]
fn without_an_id_it_is_campaign_and_customer() {
    let message = message(None, Purpose::Live, r#"{"id": 42}"#, r#"{"id": "spring-2026"}"#).unwrap();
    assert_eq!(message.message_id.as_str(), "spring-2026/42");
    let identity = message.identity().unwrap();
    assert_eq!((identity.customer_id.as_str(), identity.mode), ("42", Mode::Live));
    assert_eq!(identity.campaign_id, message.campaign_id().cloned());
}

#[test]
fn nothing_to_make_an_id_of_is_refused_except_in_a_preview() {
    for (customer, campaign) in
        [("{}", "{}"), (r#"{"id": "c1"}"#, "{}"), ("{}", r#"{"id": "k"}"#), (r#"{"id": null}"#, r#"{"id": "k"}"#)]
    {
        assert!(message(None, Purpose::Live, customer, campaign).is_err());
        assert!(message(None, Purpose::Test, customer, campaign).is_err());
        assert!(message(None, Purpose::Preview, customer, campaign).is_ok());
    }
}

#[test]
fn only_those_who_can_claim_have_an_identity() {
    let customer = r#"{"id": "c1"}"#;
    assert_eq!(message(Some("m"), Purpose::Test, customer, "{}").unwrap().identity().unwrap().mode, Mode::Test);
    assert!(message(Some("m"), Purpose::Preview, customer, "{}").unwrap().identity().is_none());
    assert!(message(Some("m"), Purpose::Live, "{}", "{}").unwrap().identity().is_none());
}

#[test]
fn what_is_printed_of_a_message_has_no_personal_data() {
    let message =
        message(Some("canary/m"), Purpose::Live, r#"{"id": "canary", "name": "canary"}"#, r#"{"id": "k"}"#).unwrap();
    assert!(!format!("{message:?}").contains("canary"));
}

#[test]
fn attributes_say_where_they_do_not_parse_but_not_what_they_hold() {
    for text in [r#"{"canary": "#, r#""canary""#, r#"["canary"]"#, r#"{"a": canary}"#, r#"{"a": 1} canary"#] {
        let told = Attributes::from_json(text).unwrap_err().to_string();
        assert!(told.starts_with("not a JSON object: it ") && !told.contains("canary"), "{told}");
    }
}

#[test]
fn its_moment_is_in_milliseconds_as_all_times_are() {
    let message = message(Some("m"), Purpose::Live, "{}", "{}").unwrap();
    assert_eq!(message.instant.subsec_nanosecond() % 1_000_000, 0);
}
