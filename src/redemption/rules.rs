//! The rules of a pool, judged over one voucher and one purchase.

use super::Purchase;
use crate::error::{Error, Result};
use crate::render::{Attributes, Expression, Field};
use crate::voucher::{ByOthers, CampaignId, Channel, CustomerId, PoolName, RedemptionRules, VoucherRecord};

/// The rules of a pool, ready to judge.
pub(super) struct Rules {
    by_others: ByOthers,
    rule: Option<Expression>,
}

/// Whether a voucher may be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may.
    Passes {
        /// It is somebody else's, which the pool has marked.
        flagged: bool,
    },
    /// It may not, for this reason.
    Fails(String),
}

impl Rules {
    pub(super) fn new(pool: &PoolName, rules: &RedemptionRules) -> Result<Rules> {
        let rule = rules.rule.as_deref().map(Expression::new).transpose().map_err(|error| {
            Error::new(error.kind(), format!("the redemption rule of pool '{pool}' does not compile: {error}"))
                .with_help("set another one")
        })?;
        Ok(Rules { by_others: rules.by_others, rule })
    }

    pub(super) fn judge(&self, voucher: &VoucherRecord, purchase: &Purchase) -> Verdict {
        let verdict = self.holder(voucher, purchase).and_then(|flagged| {
            self.expression(voucher, purchase)?;
            Ok(flagged)
        });
        match verdict {
            Ok(flagged) => Verdict::Passes { flagged },
            Err(reason) => Verdict::Fails(reason),
        }
    }

    /// Whether the use is to be marked, or why it is refused, for who uses the voucher. A purchase without a customer is
    /// nobody else's.
    fn holder(&self, voucher: &VoucherRecord, purchase: &Purchase) -> Result<bool, String> {
        let (holder, user) = (voucher.customer_id.as_ref(), purchase.customer_id.as_ref());
        match self.by_others {
            ByOthers::Allow => Ok(false),
            ByOthers::Flag => Ok(user.is_some() && user != holder),
            ByOthers::Refuse if user.is_none() => {
                Err("only its customer may use the voucher, and none is named".into())
            }
            ByOthers::Refuse if user != holder => Err("only its customer may use the voucher".into()),
            ByOthers::Refuse => Ok(false),
        }
    }

    /// Holds the expression against the voucher and the purchase. One that cannot be judged does not pass.
    fn expression(&self, voucher: &VoucherRecord, purchase: &Purchase) -> Result<(), String> {
        let Some(rule) = &self.rule else { return Ok(()) };
        match rule.holds(&values(voucher, purchase)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("the rule of pool '{}' does not hold", voucher.pool)),
            Err(error) => Err(format!("the rule of pool '{}' cannot be judged: {error}", voucher.pool)),
        }
    }
}

/// What an expression sees.
fn values(voucher: &VoucherRecord, purchase: &Purchase) -> Attributes {
    let customer = match &purchase.customer_id {
        Some(id) => purchase.customer.with("id", Field::text(id.as_str())),
        None => purchase.customer.clone(),
    };
    let channel = voucher.channel.map_or_else(Field::none, |channel| Field::text(channel.as_str()));
    Attributes::from_fields([
        ("customer", Field::from(customer)),
        ("order", Field::from(purchase.order.clone())),
        ("voucher", Field::from(described(voucher))),
        ("channel", channel),
    ])
}

/// A voucher as an expression sees it: without its code.
fn described(voucher: &VoucherRecord) -> Attributes {
    let moment = |at: Option<jiff::Timestamp>| at.map_or_else(Field::none, Field::moment);
    let text = |text: Option<&str>| text.map_or_else(Field::none, Field::text);
    Attributes::from_fields([
        ("pool", Field::text(voucher.pool.as_str())),
        ("customer_id", text(voucher.customer_id.as_ref().map(CustomerId::as_str))),
        ("campaign_id", text(voucher.campaign_id.as_ref().map(CampaignId::as_str))),
        ("channel", text(voucher.channel.map(Channel::as_str))),
        ("assigned_at", moment(voucher.assigned_at)),
        ("expires_at", moment(voucher.expires_at)),
        ("metadata", Field::from(Attributes::from_map(&voucher.metadata))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voucher::{Code, Mode, State};

    fn voucher() -> VoucherRecord {
        VoucherRecord {
            code: Code::new("S1").unwrap(),
            pool: PoolName::new("spring").unwrap(),
            state: State::Assigned,
            customer_id: Some(CustomerId::new("c1").unwrap()),
            campaign_id: Some(CampaignId::new("sale").unwrap()),
            message_id: None,
            channel: Some(Channel::Email),
            mode: Some(Mode::Live),
            assigned_at: Some("2026-11-20T09:00:00Z".parse().unwrap()),
            expires_at: None,
            redeemed_at: None,
            metadata: serde_json::from_str(r#"{"minimum": "50"}"#).unwrap(),
        }
    }

    fn purchase(customer: Option<&str>, attributes: &str, order: &str) -> Purchase {
        Purchase {
            customer_id: customer.map(|id| CustomerId::new(id).unwrap()),
            customer: Attributes::from_json(attributes).unwrap(),
            order: Attributes::from_json(order).unwrap(),
        }
    }

    fn rules(rule: Option<&str>, by_others: ByOthers) -> Rules {
        let rules = RedemptionRules { rule: rule.map(str::to_owned), by_others };
        Rules::new(&PoolName::new("spring").unwrap(), &rules).unwrap()
    }

    const PASSES: Verdict = Verdict::Passes { flagged: false };

    #[test]
    fn others_are_allowed_marked_or_refused() {
        let judge = |by_others, customer| rules(None, by_others).judge(&voucher(), &purchase(customer, "{}", "{}"));
        for by_others in [ByOthers::Allow, ByOthers::Flag, ByOthers::Refuse] {
            assert_eq!(judge(by_others, Some("c1")), PASSES);
        }
        assert_eq!(judge(ByOthers::Allow, Some("c2")), PASSES);
        assert_eq!(judge(ByOthers::Allow, None), PASSES);
        assert_eq!(judge(ByOthers::Flag, Some("c2")), Verdict::Passes { flagged: true });
        assert_eq!(judge(ByOthers::Flag, None), PASSES);
        assert!(matches!(judge(ByOthers::Refuse, Some("c2")), Verdict::Fails(_)));
        assert!(matches!(judge(ByOthers::Refuse, None), Verdict::Fails(_)));
    }

    #[test]
    fn a_rule_sees_customer_order_voucher_and_channel() {
        let purchase =
            purchase(Some("c1"), r#"{"segment": "vip", "id": "other"}"#, r#"{"total": 50, "categories": ["shoes"]}"#);
        for (rule, holds) in [
            ("order.total >= 50", true),
            ("order.total > 50", false),
            ("'shoes' in order.categories", true),
            ("'hats' in order.categories", false),
            ("customer.segment == 'vip'", true),
            ("customer.id == 'c1'", true),
            ("channel == 'email'", true),
            ("channel in ['sms', 'web_layer']", false),
            ("voucher.pool == 'spring' and voucher.campaign_id == 'sale'", true),
            ("order.total >= voucher.metadata.minimum|float", true),
            ("voucher.code is defined", false),
        ] {
            let verdict = rules(Some(rule), ByOthers::Allow).judge(&voucher(), &purchase);
            assert_eq!(verdict == PASSES, holds, "{rule}: {verdict:?}");
        }
    }

    #[test]
    fn a_rule_that_cannot_be_judged_does_not_pass_and_tells_no_value() {
        for order in ["{}", r#"{"total": null}"#, r#"{"total": "SECRET"}"#] {
            let verdict =
                rules(Some("order.total >= 50"), ByOthers::Allow).judge(&voucher(), &purchase(None, "{}", order));
            let Verdict::Fails(reason) = verdict else { panic!("{order}: {verdict:?}") };
            assert!(reason.starts_with("the rule of pool 'spring' ") && !reason.contains("SECRET"), "{reason}");
        }
    }

    #[test]
    fn a_rule_that_does_not_compile_is_an_error() {
        let broken = RedemptionRules { rule: Some("order.total >".into()), by_others: ByOthers::Allow };
        let error = Rules::new(&PoolName::new("spring").unwrap(), &broken).err().unwrap();
        assert!(error.to_string().starts_with("the redemption rule of pool 'spring' does not compile: "), "{error}");
    }
}
