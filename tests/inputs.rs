//! The example's files, read as a campaign reads them.

use tearoff::campaign::{Audience, CampaignFile, Seen};
use tearoff::intake::{Options, Source};

const CAMPAIGN: &str = "examples/spring-sale/campaign.toml";

#[test]
fn every_recipient_of_the_example_makes_a_message() {
    let file = CampaignFile::read(CAMPAIGN, tearoff::render::Limits::default()).unwrap();
    let mut audience = Audience::open(&file.audience, &file.columns).unwrap();
    let (mut seen, mut rows) = (Seen::default(), 0);
    while let Some(row) = audience.next_row().unwrap() {
        let recipient = row.content.unwrap();
        assert_eq!(recipient.customer.text("id").as_deref(), Some(recipient.customer_id.as_str()));
        seen.insert(&recipient.customer_id);
        rows += 1;
    }
    assert_eq!((rows, seen.len()), (2_003, 2_000));
    let size = std::fs::metadata("examples/spring-sale/audience.csv").unwrap().len();
    assert_eq!((audience.position().rows, audience.position().bytes), (2_003, size));
}

#[test]
fn every_code_of_the_example_makes_a_voucher() {
    let file = CampaignFile::read(CAMPAIGN, tearoff::render::Limits::default()).unwrap();
    let codes = |import: &std::path::Path| {
        let rows = Source::of_file(import).unwrap().open(&Options::default()).unwrap();
        let vouchers = rows.map(|row| row.unwrap().content.unwrap());
        vouchers.filter(|voucher| voucher.expires_at.is_some() && voucher.metadata.contains_key("discount")).count()
    };
    let counts: Vec<_> = file.pools.values().map(|pool| codes(pool.import.as_ref().unwrap())).collect();
    assert_eq!(counts, [2_200, 300]);
}
