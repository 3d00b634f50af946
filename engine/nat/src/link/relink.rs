//! A link goes on by another plan: connectivity checked anew (RFC 8445 §9), more candidates, another handshake
//! (RFC 8842 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Candidate, Entropy, IcePlan, MediaPlan, Now, Security, UdpFlow};

use super::{Link, NoIdentity};
use crate::dtls::{Dtls, Flows, Identity};

/// What a new plan changes of what goes on between two media ports beside media.
#[derive(Debug)]
pub struct Relink {
    checks: Checks,
    handshake: Option<(Box<Dtls>, UdpFlow)>,
    /// Where there was none.
    link: Option<Box<Link>>,
}

#[derive(Debug)]
enum Checks {
    Stay,
    More { candidates: Vec<Candidate>, complete: bool },
    Restart(Box<IcePlan>),
}

impl Relink {
    /// From `before` to `after`. Whoever checks goes on checking: a plan without checks after one with them changes
    /// nothing of them.
    ///
    /// # Errors
    ///
    /// [`NoIdentity`] when keys are to be agreed on and `identity` is `None`.
    pub fn new(
        now: Now,
        before: &MediaPlan,
        after: &MediaPlan,
        identity: Option<&Identity>,
        mut entropy: Entropy,
    ) -> Result<Self, NoIdentity> {
        let mut relink = Self { checks: Checks::Stay, handshake: None, link: None };
        if !before.meets_in_the_path() {
            relink.link = Link::new(now, after, identity, entropy)?.map(Box::new);
            return Ok(relink);
        }
        if let (Some(old), Some(new)) = (before.ice(), after.ice()) {
            relink.checks = Checks::between(old, new);
        }
        let renewed = before.security() != after.security() || before.association() != after.association();
        if let (Security::Dtls(dtls), true) = (after.security(), renewed) {
            let identity = identity.ok_or(NoIdentity)?.clone();
            let told = after.routes().first().map(|route| route.rtp).ok_or(NoIdentity)?;
            let flows = if after.ice().is_some() { Flows::Checked } else { Flows::Told(told) };
            relink.handshake = Some((Box::new(Dtls::new(identity, *dtls, flows, entropy.fork())), told));
        }
        Ok(relink)
    }

    /// The link, where there was none before.
    pub fn take_link(&mut self) -> Option<Link> {
        self.link.take().map(|link| *link)
    }
}

impl Checks {
    fn between(old: &IcePlan, new: &IcePlan) -> Self {
        if (&old.local, &old.remote) != (&new.local, &new.remote) {
            return Self::Restart(Box::new(new.clone()));
        }
        let known = |one: &&Candidate| !old.remote_candidates.iter().any(|old| old.address == one.address);
        let candidates: Vec<_> = new.remote_candidates.iter().filter(known).copied().collect();
        Self::More { candidates, complete: new.complete }
    }
}

impl Link {
    /// Goes on as `relink` says. Media goes on where it goes, with the keys it has, until another way is found and other
    /// keys are agreed on.
    pub fn relink(&mut self, now: Now, relink: &mut Relink) {
        self.now = self.now.max(now.mono);
        let mut anew = false;
        match (&mut self.ice, core::mem::replace(&mut relink.checks, Checks::Stay)) {
            (Some(ice), Checks::Restart(plan)) => {
                ice.restart(self.now, &plan);
                anew = true;
            }
            (Some(ice), Checks::More { candidates, complete }) => {
                candidates.into_iter().for_each(|candidate| ice.add_candidate(candidate));
                if complete {
                    ice.end_of_candidates();
                }
            }
            (_, Checks::Stay) | (None, _) => {}
        }
        if let Some((mut dtls, told)) = relink.handshake.take() {
            let selected = match &self.ice {
                Some(ice) => ice.selected().filter(|_| !anew),
                None => Some(told),
            };
            if let Some(flow) = selected {
                dtls.start(self.now, flow);
            }
            self.dtls = Some(*dtls);
        }
        self.settle();
    }
}
