//! Call detail records: each call once.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::time::Duration;

use rove_base::Instant;

use super::{CallEnd, CallRecord, CallView, Event, NotEnded, hangup::Legs, shared::Core};
use crate::{
    message::{NameAddr, Request, Uri},
    registrar::Aor,
    transaction::{Fingerprint, Keyed, KeyedMap, Timers},
    transport::Hop,
};

/// The calls that were answered and not ended.
#[derive(Debug)]
pub(super) struct Calls {
    keyed: Keyed,
    open: KeyedMap<Fingerprint, Open>,
    /// In how many of them each party is.
    parties: KeyedMap<Fingerprint, u32>,
    timers: Timers<Fingerprint>,
    max: usize,
    /// Of all records.
    bytes: usize,
}

#[derive(Debug)]
struct Open {
    record: CallRecord,
    until: Instant,
    /// How its sides are reached. `None` where that is not known.
    legs: Option<Box<Legs>>,
}

impl Calls {
    pub(super) fn new(max: usize, keyed: Keyed) -> Self {
        let open = KeyedMap::with_hasher(keyed.clone());
        let parties = KeyedMap::with_hasher(keyed.clone());
        Self { keyed, open, parties, timers: Timers::default(), max, bytes: 0 }
    }

    /// How many bytes their records take.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn close(&mut self, key: Fingerprint) -> Option<Open> {
        let open = self.open.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(open.weight());
        self.count(&open.record, false);
        Some(open)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// A call was answered; `seen` tells whether its BYE will pass here. Answers that come later, from other branches,
    /// change nothing.
    pub(super) fn answered(
        &mut self,
        cx: &mut Core,
        request: &Request,
        record: CallRecord,
        (seen, legs): (bool, Option<Legs>),
    ) {
        let key = self.key(request.headers.call_id().unwrap_or_default(), &tag(request.headers.from()));
        if self.open.contains_key(&key) {
            return;
        }
        if !seen || self.open.len() >= self.max {
            return cx.tell(Event::Call(record));
        }
        let until = cx.now.mono + LONGEST;
        self.timers.change(key, None, Some(until));
        self.count(&record, true);
        let open = Open { record, until, legs: legs.map(Box::new) };
        self.bytes = self.bytes.saturating_add(open.weight());
        self.open.insert(key, open);
    }

    /// A BYE passes.
    pub(super) fn bye(&mut self, cx: &mut Core, request: &Request) {
        let call_id = request.headers.call_id().unwrap_or_default();
        let sides =
            [(tag(request.headers.from()), CallEnd::Caller), (tag(request.headers.to()), CallEnd::Callee)];
        for (tag, end) in sides {
            let key = self.key(call_id, &tag);
            if let Some(Open { mut record, until, .. }) = self.close(key) {
                self.timers.change(key, Some(until), None);
                (record.ended, record.end) = (Some(cx.now.wall), end);
                return cx.tell(Event::Call(record));
            }
        }
    }

    /// A request passes inside of a call.
    pub(super) fn inside(&mut self, request: &Request, hop: Hop) {
        let call_id = request.headers.call_id().unwrap_or_default();
        let theirs = self.key(call_id, &tag(request.headers.from()));
        let others = self.key(call_id, &tag(request.headers.to()));
        for (key, by_caller) in [(theirs, true), (others, false)] {
            let Some(open) = self.open.get_mut(&key) else { continue };
            let before = open.weight();
            if let Some(legs) = &mut open.legs {
                let side = if by_caller { &mut legs.caller } else { &mut legs.callee };
                side.sent(request, hop);
            }
            self.bytes = self.bytes.saturating_add(open.weight()).saturating_sub(before);
            return;
        }
    }

    /// Those that are up.
    pub(super) fn all(&self) -> impl Iterator<Item = CallView<'_>> {
        self.open.values().map(|Open { record, legs, .. }| CallView {
            record: Some(record),
            call_id: &record.call_id,
            ways: legs.as_ref().map(|legs| (legs.caller.hop, legs.callee.hop)),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// More, or less, are followed from now on.
    pub(super) const fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// The operator ends a call. Answers how its sides are reached.
    pub(super) fn end(&mut self, cx: &mut Core, call_id: &str) -> Result<Legs, NotEnded> {
        let mut found = self.open.iter().filter(|(_, open)| open.record.call_id == call_id);
        let (key, open) = found.next().ok_or(NotEnded::Unknown)?;
        let (key, legs) = (*key, open.legs.as_deref().cloned().ok_or(NotEnded::NotHere)?);
        if let Some(Open { mut record, until, .. }) = self.close(key) {
            self.timers.change(key, Some(until), None);
            (record.ended, record.end) = (Some(cx.now.wall), CallEnd::Operator);
            cx.tell(Event::Call(record));
        }
        Ok(legs)
    }

    /// Gives up calls that have lasted too long to be believed.
    pub(super) fn tick(&mut self, cx: &mut Core) {
        while let Some(key) = self.timers.take_due(cx.now.mono) {
            if let Some(Open { record, .. }) = self.close(key) {
                cx.tell(Event::Call(record));
            }
        }
    }

    /// In how many calls somebody is.
    pub(super) fn of(&self, party: &Uri) -> usize {
        let count = self.party(party).and_then(|key| self.parties.get(&key)).copied();
        count.map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn party(&self, party: &Uri) -> Option<Fingerprint> {
        Some(self.keyed.fingerprint(&("party", Aor::of_uri(party)?.as_bytes())))
    }

    /// Two parties are in one call more, or less.
    fn count(&mut self, record: &CallRecord, more: bool) {
        for party in [&record.caller, &record.callee] {
            let Some(key) = party.parse().ok().and_then(|uri| self.party(&uri)) else { continue };
            let count = self.parties.entry(key).or_default();
            *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
            if *count == 0 {
                self.parties.remove(&key);
            }
        }
    }

    fn key(&self, call_id: &str, caller_tag: &str) -> Fingerprint {
        self.keyed.fingerprint(&("call", call_id, caller_tag))
    }
}

fn tag<E>(party: Result<NameAddr, E>) -> String {
    party.ok().and_then(|party| party.tag().map(str::to_owned)).unwrap_or_default()
}

impl Open {
    fn weight(&self) -> usize {
        let Self { record, legs, .. } = self;
        let texts = [&record.call_id, &record.caller, &record.callee].map(String::len);
        let user = record.user.as_ref().map_or(0, String::len);
        let legs = legs.as_ref().map_or(0, |legs| legs.weight());
        texts.into_iter().chain([user, legs, RECORD_BYTES]).fold(0, usize::saturating_add)
    }
}

/// What a record takes beside its texts.
const RECORD_BYTES: usize = 512;
/// Calls without a BYE for this long have ended unseen.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
