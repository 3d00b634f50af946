//! `rove call A --join B --join C`: further parties are called and joined into the call that is up.

use core::time::Duration;
use std::time::Instant;

use rove_phone::{AccountId, CallId, CallReport, Phone, PhoneEvent, Progress};

use super::{
    GLANCE,
    chat::{self, Chat},
};
use crate::{failure::Failure, report::Conference, sheet::Sheet, show::Show, stop::Stop};

/// One conversation, from the first call to the last word.
pub(super) struct Gathering<'a> {
    phone: &'a Phone,
    account: Option<AccountId>,
    show: &'a Show,
    parties: Vec<Party>,
    most: usize,
    chat: Option<Chat>,
}

struct Party {
    target: String,
    call: Option<CallId>,
    dialled: Option<Instant>,
    /// From dialling to the answer.
    joined: Option<Duration>,
    report: Option<CallReport>,
}

impl Party {
    const fn is_up(&self) -> bool {
        self.joined.is_some() && self.report.is_none()
    }
}

impl<'a> Gathering<'a> {
    /// With these, of whom the first is called alone.
    pub(super) fn new(
        phone: &'a Phone,
        account: Option<AccountId>,
        show: &'a Show,
        targets: &[String],
    ) -> Self {
        let party = |target: &String| Party {
            target: target.clone(),
            call: None,
            dialled: None,
            joined: None,
            report: None,
        };
        Self { phone, account, show, parties: targets.iter().map(party).collect(), most: 0, chat: None }
    }

    /// With words beside the voices, where that is wanted.
    pub(super) fn chatting(self, wanted: bool) -> Self {
        Self { chat: Chat::begin(wanted), ..self }
    }

    /// Calls them all, and talks until `talk` is over, counted from when nobody is awaited any more, or until nobody is left.
    pub(super) fn hold(
        mut self,
        talk: Option<Duration>,
        (stop, sheet): (&Stop, &mut Sheet),
    ) -> Result<(Vec<CallReport>, Conference), Failure> {
        let (mut until, mut leaving) = (None, false);
        self.dial(0)?;
        loop {
            if !leaving && (stop.wanted() || until.is_some_and(|at| at <= Instant::now())) {
                leaving = true;
                self.running().for_each(|call| self.phone.hang_up(call));
            }
            if self.running().next().is_none() {
                return Ok(self.conclude());
            }
            self.write_what_was_typed();
            sheet.turn();
            let Some(event) = self.phone.next_event(GLANCE) else { continue };
            sheet.event(&event);
            match &event {
                PhoneEvent::Message { call: Some(call), body, .. } if self.chat.is_some() => {
                    self.pass_on(*call, body);
                }
                event => self.show.event(event),
            }
            match event {
                PhoneEvent::Call { call, progress: Progress::Answered { .. } } => self.is_up(call)?,
                PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => {
                    self.phone.refuse_busy(call);
                }
                PhoneEvent::Ended { call, report } => self.is_over(call, *report),
                _ => {}
            }
            let awaited = self.parties.iter().any(|party| party.joined.is_none() && party.report.is_none());
            if until.is_none() && !awaited {
                until = talk.map(|talk| Instant::now() + talk);
            }
        }
    }

    fn dial(&mut self, number: usize) -> Result<(), Failure> {
        let Some(party) = self.parties.get_mut(number) else { return Ok(()) };
        self.show.say(format!("looking up {}", party.target));
        let call = match self.account {
            Some(account) => self.phone.dial_with(&party.target, account)?,
            None => self.phone.dial(&party.target)?,
        };
        (party.call, party.dialled) = (Some(call), Some(Instant::now()));
        Ok(())
    }

    fn is_up(&mut self, call: CallId) -> Result<(), Failure> {
        let first = self.parties.iter().all(|party| party.joined.is_none());
        if let Some(party) = self.parties.iter_mut().find(|party| party.call == Some(call)) {
            party.joined = party.dialled.map(|at| at.elapsed());
        }
        if first {
            (1..self.parties.len()).try_for_each(|number| self.dial(number))?;
        }
        let up: Vec<CallId> =
            self.parties.iter().filter(|party| party.is_up()).filter_map(|party| party.call).collect();
        self.most = self.most.max(up.len());
        if up.len() > 1 {
            self.phone.confer(&up);
        }
        Ok(())
    }

    /// Those who are in it, beside `but`.
    fn others(&self, but: Option<CallId>) -> impl Iterator<Item = CallId> {
        let up = self.parties.iter().filter(|party| party.is_up());
        up.filter_map(|party| party.call).filter(move |call| Some(*call) != but)
    }

    fn write_what_was_typed(&self) {
        for line in self.chat.iter().flat_map(Chat::lines) {
            let (verb, number) = line.split_once(' ').unwrap_or((line.as_str(), ""));
            let party = number.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let call = party.and_then(|party| self.parties.get(party)).and_then(|party| party.call);
            match (verb, call) {
                ("/mute", Some(call)) => self.phone.mute(call, true),
                ("/unmute", Some(call)) => self.phone.mute(call, false),
                _ => self.others(None).for_each(|call| self.phone.write(call, &line)),
            }
        }
    }

    /// What one has written all others are to read.
    fn pass_on(&self, from: CallId, body: &[u8]) {
        chat::print(body);
        let party = self.parties.iter().find(|party| party.call == Some(from));
        let text = String::from_utf8_lossy(body);
        let line = format!("{}: {text}", party.map_or("", |party| party.target.as_str()));
        self.others(Some(from)).for_each(|call| self.phone.write(call, &line));
    }

    fn is_over(&mut self, call: CallId, report: CallReport) {
        if let Some(party) = self.parties.iter_mut().find(|party| party.call == Some(call)) {
            party.report = Some(CallReport { target: party.target.clone(), ..report });
        }
    }

    fn running(&self) -> impl Iterator<Item = CallId> {
        self.parties.iter().filter(|party| party.report.is_none()).filter_map(|party| party.call)
    }

    fn conclude(self) -> (Vec<CallReport>, Conference) {
        let mut conference = Conference::of((self.most > 1).then_some(self.most));
        let joined = self.parties.iter().filter_map(|party| party.joined);
        conference.joined_ms = joined.map(|time| time.as_secs_f64() * 1_000.0).collect();
        let reports: Vec<CallReport> = self.parties.into_iter().filter_map(|party| party.report).collect();
        conference.mos = reports.iter().filter_map(|report| report.mos).collect();
        (reports, conference)
    }
}
