//! People, and calls of the past.

use serde::{Deserialize, Serialize};

use super::{Direction, Peer};

/// Somebody.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// By what name.
    pub name: String,
    /// A name, number or URI to call.
    pub address: String,
}

/// What became of a call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It stood for so many seconds.
    Talked(f64),
    /// Nobody picked up here.
    Missed,
    /// It never stood; the word says why.
    Failed(String),
}

/// A call of the past.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// When it began, in seconds since 1970.
    pub at: u64,
    /// Who called.
    pub direction: Direction,
    /// The name that the other side gave itself.
    pub name: String,
    /// Where it is called.
    pub address: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Past {
    /// Who it was with.
    #[must_use]
    pub fn peer(&self) -> Peer {
        Peer { name: self.name.clone(), address: self.address.clone() }
    }
}

/// Calls of the past that are kept.
pub(super) const MOST_PAST: usize = 500;

/// Something that was sought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// A name.
    pub name: String,
    /// What to call.
    pub address: String,
}

/// Contacts, then people of past calls, in whose name or address all words of `text` stand; each address once, `most` at most.
/// Nothing is found by nothing.
#[must_use]
pub fn search(contacts: &[Contact], history: &[Past], text: &str, most: usize) -> Vec<Found> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<Found> = Vec::new();
    if words.is_empty() {
        return found;
    }
    let known = contacts.iter().map(|contact| (contact.name.as_str(), contact.address.as_str()));
    let past = history.iter().map(|past| (past.name.as_str(), past.address.as_str()));
    for (name, address) in known.chain(past) {
        let both = format!("{name} {address}").to_lowercase();
        let is_new = || !found.iter().any(|found| found.address.eq_ignore_ascii_case(address));
        if words.iter().all(|word| both.contains(word)) && is_new() {
            let name = if name.is_empty() { address } else { name };
            found.push(Found { name: name.to_owned(), address: address.to_owned() });
        }
        if found.len() == most {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(name: &str, address: &str) -> Past {
        let (name, address) = (name.to_owned(), address.to_owned());
        Past { at: 0, direction: Direction::Outgoing, name, address, outcome: Outcome::Missed }
    }

    #[test]
    fn people_are_found_by_any_part_of_name_and_address_once_each_contacts_first() {
        let contacts = [Contact { name: "Åsa Berg".into(), address: "asa@home.example".into() }];
        let history =
            [past("Asa", "ASA@home.example"), past("", "berg.example"), past("Carl", "c@x.example")];
        let find = |text| {
            let found = search(&contacts, &history, text, 10);
            found.into_iter().map(|found| found.name).collect::<Vec<_>>()
        };
        assert_eq!(find("åSA"), ["Åsa Berg"]);
        assert_eq!(find("berg"), ["Åsa Berg", "berg.example"]);
        assert_eq!(find("example carl"), ["Carl"]);
        assert_eq!(find("  "), [""; 0]);
        assert_eq!(search(&contacts, &history, "example", 2).len(), 2);
    }
}
