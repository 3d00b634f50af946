//! Candidates that are found, and told, while the session stands already.

use rove_sdp::{Candidate, MOST_CANDIDATES, TrickleFragment};

use super::Talking;
use crate::call::{Ask, Context, State};

impl Talking {
    /// The other side has more candidates (RFC 8840 §4.4). Those of another generation are late, and of no use.
    pub(super) fn trickled(self, cx: &mut Context<'_>, body: &[u8]) -> State {
        let fragment = TrickleFragment::parse(body).unwrap_or_default();
        if let Some((candidates, last)) = self.session.trickled(&fragment) {
            let candidates = candidates.iter().filter_map(Candidate::to_engine).collect();
            cx.ask(Ask::AddCandidates { candidates, last });
        }
        State::Talking(self)
    }

    /// We have one more candidate, or no more of them will come. The other side is told of all there are by now.
    pub(super) fn found(mut self, cx: &mut Context<'_>, candidate: Option<&rove_base::Candidate>) -> State {
        let Some(ice) = &mut self.local.ice else { return State::Talking(self) };
        match candidate.map(Candidate::from) {
            Some(one) if !ice.candidates.contains(&one) && ice.candidates.len() < MOST_CANDIDATES => {
                ice.candidates.push(one);
            }
            Some(_) => return State::Talking(self),
            None => ice.ended = true,
        }
        if let Some(fragment) = self.session.trickle(&self.local) {
            cx.ask(Ask::Trickle(fragment.to_bytes()));
        }
        State::Talking(self)
    }
}
