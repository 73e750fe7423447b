//! The campaigns that a call speaks of.

use super::script::Call;
use crate::voucher::CampaignId;

/// The campaigns of a call, each named once.
pub(super) struct Campaigns<'a>(Vec<&'a CampaignId>);

impl<'a> Campaigns<'a> {
    pub(super) fn of(campaigns: impl Iterator<Item = Option<&'a CampaignId>>) -> Campaigns<'a> {
        let mut named: Vec<&CampaignId> = Vec::new();
        for campaign in campaigns.flatten() {
            if !named.contains(&campaign) {
                named.push(campaign);
            }
        }
        Campaigns(named)
    }

    /// How many there are, and their ids.
    pub(super) fn declare(&self, call: &mut Call) {
        call.push_number(self.0.len());
        for campaign in &self.0 {
            call.push(campaign.as_str());
        }
    }

    /// The place of a campaign, counted from 1; 0 for none.
    pub(super) fn place(&self, campaign: Option<&CampaignId>) -> usize {
        campaign.and_then(|campaign| self.0.iter().position(|named| *named == campaign)).map_or(0, |at| at + 1)
    }
}
