//! What others may know of us: whether we can be reached, and which calls we have (RFC 3856, RFC 4235).

use rove_sip::{
    event::{DialogEntry, DialogInfo, DialogState, EventState, Presence, Tuple},
    ua::DialogNames,
};

use crate::{CallId, Record, Side, call::State};

/// What whoever asks is told of this phone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Disclosure {
    /// Nothing: there is no event to be watched.
    #[default]
    Nothing,
    /// Whether it can be reached, and that there are calls, but not with whom.
    State,
    /// With whom as well, and what a call is named by, with which another may take its place (RFC 3891).
    Everything,
}

/// How a phone is as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Availability {
    /// Whether its owner takes calls.
    pub(crate) wanted: bool,
    pub(crate) running: usize,
    pub(crate) most: usize,
}

/// The presence of `entity`.
pub(crate) fn presence(entity: &str, availability: Availability) -> Presence {
    let Availability { wanted, running, most } = availability;
    let note = match (wanted, running) {
        (false, _) => Some("takes no calls".to_owned()),
        (true, 0) => None,
        (true, _) => Some("in a call".to_owned()),
    };
    Presence {
        entity: entity.to_owned(),
        tuples: vec![Tuple {
            id: "phone".into(),
            open: Some(wanted && running < most),
            contact: Some(entity.to_owned()),
            note,
        }],
        note: None,
    }
}

/// One call, as it is told.
pub(crate) fn dialog(
    id: CallId,
    state: &State,
    record: &Record,
    names: Option<DialogNames>,
    everything: bool,
) -> DialogEntry {
    let rings = record.ringing.is_some();
    let (call_id, local_tag, remote_tag) = match names.filter(|_| everything) {
        Some(names) => (Some(names.call_id), Some(names.local_tag), Some(names.remote_tag)),
        None => (None, None, None),
    };
    DialogEntry {
        id: format!("call-{}", id.0),
        call_id,
        local_tag,
        remote_tag,
        initiator: Some(record.side == Side::Caller),
        state: match state {
            State::Dialing(_) | State::Opening(_) => DialogState::Trying,
            State::Offering(_) | State::Alerting(_) if rings => DialogState::Early,
            State::Offering(_) => DialogState::Trying,
            State::Alerting(_) => DialogState::Proceeding,
            State::Talking(_) => DialogState::Confirmed,
            State::Ending(_) | State::Over => DialogState::Terminated,
        },
        remote: everything.then(|| uri_of(&record.peer)),
    }
}

/// All calls of `entity`; more than [`MOST_DIALOGS`] are not told.
pub(crate) fn dialogs(entity: &str, dialogs: impl Iterator<Item = DialogEntry>) -> EventState {
    let dialogs = dialogs.take(MOST_DIALOGS).collect();
    EventState::Dialogs(DialogInfo { version: 0, full: true, entity: entity.to_owned(), dialogs })
}

/// The URI alone of what a header or a person says.
pub(crate) fn uri_of(peer: &str) -> String {
    peer.parse::<rove_sip::message::NameAddr>().map_or_else(|_| peer.to_owned(), |peer| peer.uri.to_string())
}

/// Calls that one document tells of.
const MOST_DIALOGS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_open_while_it_takes_calls_and_has_room_for_one_more() {
        let told = |wanted, running, most| {
            let read = presence("sip:bob@example.com", Availability { wanted, running, most });
            (read.is_open().unwrap(), read.tuples[0].note.clone())
        };
        assert_eq!(told(true, 0, 2), (true, None));
        assert_eq!(told(true, 1, 2), (true, Some("in a call".into())));
        assert_eq!(told(true, 2, 2), (false, Some("in a call".into())));
        assert_eq!(told(false, 0, 2), (false, Some("takes no calls".into())));
    }

    #[test]
    fn with_whom_a_call_is_stays_unsaid_unless_everything_is_told() {
        let peer = "\"Al\" <sip:al@example.com>;tag=7".to_owned();
        let record = Record::new(Side::Callee, String::new(), peer, rove_base::Instant::ZERO);
        let names = || {
            let [call_id, local_tag, remote_tag] = ["c", "l", "r"].map(str::to_owned);
            Some(DialogNames { call_id, local_tag, remote_tag })
        };
        let little = dialog(CallId(1), &State::Over, &record, names(), false);
        assert_eq!(
            (little.remote, little.call_id, little.local_tag, little.remote_tag),
            (None, None, None, None)
        );
        let much = dialog(CallId(1), &State::Over, &record, names(), true);
        assert_eq!(much.remote.as_deref(), Some("sip:al@example.com"));
        assert_eq!((much.call_id.as_deref(), much.state), (Some("c"), DialogState::Terminated));
        assert_eq!(much.initiator, Some(false));
    }
}
