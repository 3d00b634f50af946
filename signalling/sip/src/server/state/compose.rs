//! What is told of a user: all that is published, or what the registrations say (RFC 3903 §6, RFC 3856 §6.11.2, RFC 4235
//! §3.8).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Package, published::Document};
use crate::event::{DialogInfo, EventState, Presence, Tuple};

/// The state of `entity`. `open` tells whether it is registered; `None`: that is not known.
pub(super) fn compose<'a>(
    package: Package,
    entity: &str,
    published: impl Iterator<Item = &'a Document>,
    open: Option<bool>,
) -> EventState {
    let all: Vec<&Document> = published.collect();
    match (package, all.as_slice()) {
        // One document is told as it came, with what others know of it and we do not.
        (Package::Presence, [Document::Presence(_, body)]) => {
            EventState::Document { kind: Presence::KIND.into(), body: body.clone() }
        }
        (Package::Presence, []) => EventState::from(&registered(entity, open)),
        (Package::Presence, all) => EventState::from(&presence(entity, all)),
        (Package::Dialog, all) => EventState::Dialogs(dialogs(entity, all)),
    }
}

fn registered(entity: &str, open: Option<bool>) -> Presence {
    let tuple = Tuple { id: "registered".into(), open, ..Tuple::default() };
    Presence { entity: entity.to_owned(), tuples: vec![tuple], note: None }
}

fn presence(entity: &str, all: &[&Document]) -> Presence {
    let mut told = Presence { entity: entity.to_owned(), ..Presence::default() };
    for (number, document) in (1..).zip(all) {
        let Document::Presence(one, _) = document else { continue };
        told.note = told.note.take().or_else(|| one.note.clone());
        // Two devices may have chosen the same name for their tuples.
        told.tuples.extend(
            one.tuples.iter().map(|tuple| Tuple { id: format!("p{number}-{}", tuple.id), ..tuple.clone() }),
        );
    }
    told
}

fn dialogs(entity: &str, all: &[&Document]) -> DialogInfo {
    let mut told = DialogInfo { entity: entity.to_owned(), full: true, ..DialogInfo::default() };
    for (number, document) in (1..).zip(all) {
        let Document::Dialogs(one, _) = document else { continue };
        told.dialogs.extend(one.dialogs.iter().cloned().map(|mut dialog| {
            if all.len() > 1 {
                dialog.id = format!("p{number}-{}", dialog.id);
            }
            dialog
        }));
    }
    told
}
