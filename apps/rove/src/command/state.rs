//! What a watched event says, as a line for people and as JSON.

use rove_phone::package::{Conference, DialogInfo, DialogState, Presence, State};
use serde_json::{Value, json};

use crate::cli::outside::Package;

/// What is known of an event that is watched.
pub(crate) struct Watched {
    package: Package,
    conference: Conference,
}

/// One state.
pub(crate) struct Told {
    pub(crate) line: String,
    pub(crate) json: Value,
}

impl Watched {
    pub(crate) fn new(package: Package) -> Self {
        Self { package, conference: Conference::default() }
    }

    /// Takes what a notification says.
    pub(crate) fn take(&mut self, state: &State, kind: Option<&str>, body: &[u8]) -> Told {
        let (mut line, mut json) = match (body.is_empty(), self.package) {
            (true, _) => Some(("nothing is told".to_owned(), json!({}))),
            (false, Package::Presence) => presence(body),
            (false, Package::Dialog) => dialogs(body),
            (false, Package::Conference) => self.conference(body),
        }
        .unwrap_or_else(|| {
            let kind = kind.unwrap_or("no type");
            (format!("{} bytes of {kind} that cannot be read", body.len()), json!({ "unread": kind }))
        });
        let stands = match state {
            State::Active(_) => "active",
            State::Pending(_) => "pending",
            State::Terminated { .. } => "terminated",
            State::Other(_) => "other",
        };
        if stands != "active" {
            line = format!("{line} ({stands})");
        }
        if let Value::Object(json) = &mut json {
            json.insert("subscription".into(), stands.into());
        }
        Told { line, json }
    }

    fn conference(&mut self, body: &[u8]) -> Option<(String, Value)> {
        let news = Conference::read(body).ok()?;
        let whole = self.conference.take(&news);
        let known = &self.conference;
        let status = |user: &rove_phone::package::User| {
            user.endpoints.first().and_then(|endpoint| endpoint.status.clone())
        };
        let users: Vec<Value> = known
            .users
            .iter()
            .map(|user| json!({ "entity": user.entity, "name": user.name, "status": status(user) }))
            .collect();
        let names: Vec<String> = known
            .users
            .iter()
            .map(|user| match status(user) {
                Some(status) => format!("{} ({status})", shown(&user.entity)),
                None => shown(&user.entity),
            })
            .collect();
        let line = match names.as_slice() {
            [] => "nobody is in the conference".to_owned(),
            names => format!("{} in the conference: {}", names.len(), names.join(", ")),
        };
        let json = json!({
            "entity": known.entity, "version": news.version, "part": format!("{:?}", news.part).to_lowercase(),
            "complete": whole, "users": users,
        });
        Some((line, json))
    }
}

fn presence(body: &[u8]) -> Option<(String, Value)> {
    let presence = Presence::read(body).ok()?;
    let open = presence.is_open();
    let note = presence.tuples.iter().find_map(|tuple| tuple.note.clone()).or_else(|| presence.note.clone());
    let word = match open {
        Some(true) => "open",
        Some(false) => "closed",
        None => "unknown",
    };
    let said = note.as_deref().map(|note| format!(", {}", shown(note))).unwrap_or_default();
    let line = format!("{} is {word}{said}", shown(&presence.entity));
    Some((line, json!({ "entity": presence.entity, "open": open, "note": note })))
}

fn dialogs(body: &[u8]) -> Option<(String, Value)> {
    let info = DialogInfo::read(body).ok()?;
    let entries: Vec<Value> = info
        .dialogs
        .iter()
        .map(|one| {
            json!({
                "id": one.id, "state": name(one.state), "remote": one.remote, "initiator": one.initiator,
                "call_id": one.call_id, "local_tag": one.local_tag, "remote_tag": one.remote_tag,
            })
        })
        .collect();
    let words: Vec<String> = info
        .dialogs
        .iter()
        .map(|one| match &one.remote {
            Some(remote) => format!("{} with {}", name(one.state), shown(remote)),
            None => name(one.state).to_owned(),
        })
        .collect();
    let line = match words.as_slice() {
        [] => format!("{} has no calls", shown(&info.entity)),
        [one] => format!("{} has a call: {one}", shown(&info.entity)),
        all => format!("{} has {} calls: {}", shown(&info.entity), all.len(), all.join(", ")),
    };
    let json = json!({
        "entity": info.entity, "version": info.version, "full": info.full, "dialogs": entries,
    });
    Some((line, json))
}

const fn name(state: DialogState) -> &'static str {
    match state {
        DialogState::Trying => "trying",
        DialogState::Proceeding => "proceeding",
        DialogState::Early => "early",
        DialogState::Confirmed => "confirmed",
        DialogState::Terminated => "terminated",
    }
}

/// What others say, without what would move a terminal's cursor, and not too long.
fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(LONGEST).collect()
}

/// Characters of a text of others that are shown.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use rove_phone::package::{DialogEntry, Tuple, User};

    use super::*;

    #[test]
    fn each_state_is_a_line_for_people_and_an_object_for_machines() {
        let presence = Presence {
            entity: "sip:bob@h.example".into(),
            tuples: vec![Tuple {
                open: Some(true),
                note: Some("in a \u{1b}call".into()),
                ..Tuple::default()
            }],
            note: None,
        };
        let told =
            Watched::new(Package::Presence).take(&State::Active(None), None, presence.write().as_bytes());
        assert_eq!(told.line, "sip:bob@h.example is open, in a call");
        assert_eq!(
            (told.json["open"].as_bool(), told.json["subscription"].as_str()),
            (Some(true), Some("active"))
        );
        let dialog = DialogEntry {
            id: "1".into(),
            call_id: None,
            local_tag: None,
            remote_tag: None,
            initiator: Some(true),
            state: DialogState::Confirmed,
            remote: Some("sip:al@h.example".into()),
        };
        let info =
            DialogInfo { entity: "sip:bob@h.example".into(), full: true, version: 4, dialogs: vec![dialog] };
        let over = State::Terminated { reason: None, retry_after: None };
        let told = Watched::new(Package::Dialog).take(&over, None, info.write().as_bytes());
        assert_eq!(told.line, "sip:bob@h.example has a call: confirmed with sip:al@h.example (terminated)");
        assert_eq!(told.json["dialogs"][0]["state"], "confirmed");
    }

    #[test]
    fn changes_of_a_conference_are_told_with_all_who_are_there() {
        let user = |name: &str| User { entity: format!("sip:{name}@h.example"), ..User::default() };
        let first = Conference { users: vec![user("a"), user("b")], ..Conference::default() };
        let second = Conference { version: 1, users: vec![user("b"), user("c")], ..Conference::default() };
        let mut watched = Watched::new(Package::Conference);
        let mut take = |conference: &Conference| {
            watched.take(&State::Active(None), None, conference.write().as_bytes()).line
        };
        assert_eq!(take(&first), "2 in the conference: sip:a@h.example, sip:b@h.example");
        let news = Conference { version: 1, ..second.since(&first) };
        assert_eq!(take(&news), "2 in the conference: sip:b@h.example, sip:c@h.example");
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be_so() {
        let told = Watched::new(Package::Dialog).take(&State::Active(None), Some("a/b"), b"<x/>");
        assert_eq!(told.line, "4 bytes of a/b that cannot be read");
        let told = Watched::new(Package::Presence).take(&State::Pending(None), None, b"");
        assert_eq!(told.line, "nothing is told (pending)");
    }
}
