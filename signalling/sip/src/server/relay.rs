//! One request that is being passed on.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Instant, UnixTime};

use super::{CallEnd, CallRecord, gate::Passed, requests::Incoming, services::Served};
use crate::{
    message::{Request, Response},
    proxy::{Copy, Fork},
    registrar::Gruu,
    transaction::{ClientKey, ServerKey},
    transport::Hop,
    ua::reply::Reply,
};

/// A request, its branches, and the way its responses take.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) request: Request,
    pub(super) reply: Reply,
    pub(super) key: ServerKey,
    pub(super) from: Hop,
    pub(super) bound: bool,
    pub(super) record: bool,
    pub(super) passed: Passed,
    pub(super) user: Option<String>,
    pub(super) gruu: Option<Gruu>,
    pub(super) fork: Fork,
    pub(super) branches: Vec<Branch>,
    /// When the next targets get their turn.
    pub(super) ring_until: Option<Instant>,
    pub(super) cancelled: bool,
    /// What services have to do with it.
    pub(super) served: Option<Box<Served>>,
    begun: UnixTime,
    /// What the timers know.
    pub(super) due: Option<Instant>,
    /// How many bytes it is counted for.
    pub(super) bytes: usize,
}

/// One copy of the request.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) key: ClientKey,
    /// What its CANCEL and ACK are made of. `None` while its way is not known.
    pub(super) stub: Option<(Request, Hop)>,
    /// The copy that waits for its way.
    pub(super) copy: Option<Box<Copy>>,
    /// Where else it may go when nobody is there.
    pub(super) others: Vec<Hop>,
    /// The way of datagrams that it takes after all, should there be no stream: it is too long for them.
    pub(super) datagrams: Option<Hop>,
    pub(super) cancel: Cancel,
    /// Timer C, or how long a cancelled branch may take to end.
    pub(super) until: Option<Instant>,
}

/// How far a branch is cancelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cancel {
    Not,
    /// As soon as that is allowed (RFC 3261 §9.1).
    Wanted,
    Sent,
}

impl Relay {
    pub(super) fn new(
        incoming: Incoming,
        passed: Passed,
        user: Option<String>,
        record: bool,
        bound: bool,
        begun: UnixTime,
    ) -> Self {
        let Incoming { request, hop, reply, key, .. } = incoming;
        let invite = request.method == crate::message::Method::Invite;
        Self {
            fork: Fork::new(invite, std::collections::VecDeque::new()),
            request,
            reply,
            key,
            from: hop,
            bound,
            record,
            passed,
            user,
            gruu: None,
            branches: Vec::new(),
            ring_until: None,
            cancelled: false,
            served: None,
            begun,
            due: None,
            bytes: 0,
        }
    }

    /// How many bytes it takes: the request as it came, and what each branch keeps of it.
    pub(super) fn weight(&self) -> usize {
        let branch = |branch: &Branch| {
            let copy = branch.copy.as_ref().map_or(0, |copy| copy.request.weight());
            branch.stub.as_ref().map_or(0, |(stub, _)| stub.weight()).saturating_add(copy)
        };
        let branches = self.branches.iter().map(|one| branch(one).saturating_add(BRANCH_BYTES));
        let whole = RELAY_BYTES.saturating_add(self.request.weight().saturating_mul(2));
        let whole = whole.saturating_add(self.fork.weight());
        branches.fold(whole, usize::saturating_add)
    }

    /// When something has to be done with it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let ring = self.ring_until.filter(|_| self.fork.has_more());
        let branches = self.fork.pending().filter_map(|at| self.branches.get(at)?.until);
        let served = self.served.as_ref().and_then(|served| served.deadline());
        let ring = Instant::earliest(ring, served);
        branches.fold(ring, |earliest, at| Instant::earliest(earliest, Some(at)))
    }

    /// Whether it is the INVITE that begins a call.
    pub(super) fn begins_call(&self) -> bool {
        self.request.method == crate::message::Method::Invite
            && self.request.headers.to().is_ok_and(|to| to.tag().is_none())
    }

    /// What is kept of the call when it ends with this response, or begins with it.
    pub(super) fn call_record(&self, response: &Response, now: UnixTime) -> CallRecord {
        let headers = &self.request.headers;
        let answered = response.status.is_success();
        let called = self.served.as_ref().and_then(|served| served.called.clone());
        CallRecord {
            call_id: headers.call_id().unwrap_or_default().to_owned(),
            caller: headers.from().map_or_else(|_| String::new(), |from| from.uri.to_string()),
            callee: called.unwrap_or_else(|| self.request.uri.to_string()),
            user: self.user.clone(),
            begun: self.begun,
            answered: answered.then_some(now),
            ended: (!answered).then_some(now),
            status: response.status,
            end: if answered { CallEnd::Unseen } else { CallEnd::Unanswered },
        }
    }
}

/// What a relay takes beside its request: its places in maps, and the headers of its responses.
const RELAY_BYTES: usize = 1_536;
/// What a branch takes beside its messages.
const BRANCH_BYTES: usize = 512;
