//! What a REGISTER changes, and whether it may (RFC 3261 §10.3 steps 6 and 7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Instant;

use super::{Binding, Instance};
use crate::message::Uri;

/// The changes of one REGISTER. All happen, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its Call-ID.
    pub call_id: String,
    /// The number of its CSeq.
    pub cseq: u32,
    /// What it wants.
    pub edits: Edits,
}

/// What a REGISTER wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Edits {
    /// To remove every binding.
    RemoveAll,
    /// These, in order; none to be told what there is.
    Each(Vec<Edit>),
}

/// One contact of a REGISTER.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are of the large kind")]
pub enum Edit {
    /// Add it, or put it in place of what it was.
    Set(Binding),
    /// Remove it.
    Remove {
        /// Which contact.
        contact: Uri,
        /// Which device and flow.
        instance: Option<Instance>,
    },
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// A later REGISTER of the same Call-ID, or this one, has been seen.
    #[error("out of order")]
    OutOfOrder,
    /// The address of record would have more bindings than it may.
    #[error("too many bindings")]
    TooMany,
    /// The store holds all it may.
    #[error("the store is full")]
    Full,
}

impl Change {
    /// Applies it to the bindings of one address of record, of which `max` may be kept. Bindings whose time has passed
    /// are dropped first.
    ///
    /// # Errors
    ///
    /// [`Refused`]; then `bindings` is as it was, but for those whose time has passed.
    pub fn apply(&self, now: Instant, bindings: &mut Vec<Binding>, max: usize) -> Result<(), Refused> {
        bindings.retain(|binding| binding.until > now);
        let late = |binding: &Binding| binding.call_id == self.call_id && binding.cseq >= self.cseq;
        let edits = match &self.edits {
            Edits::RemoveAll if bindings.iter().any(late) => return Err(Refused::OutOfOrder),
            Edits::RemoveAll => {
                bindings.clear();
                return Ok(());
            }
            Edits::Each(edits) => edits,
        };
        let touches = |edit: &Edit, binding: &Binding| match edit {
            Edit::Set(new) => binding.is_for(&new.contact, new.instance.as_ref()),
            Edit::Remove { contact, instance } => binding.is_for(contact, instance.as_ref()),
        };
        // One that has come again when its transaction was forgotten changes nothing, and is told what it was told.
        let again = |edit: &Edit, binding: &Binding| {
            matches!(edit, Edit::Set(new) if new.repeats(binding)) && binding.cseq == self.cseq
        };
        let stale = |edit: &Edit, binding: &Binding| touches(edit, binding) && !again(edit, binding);
        if bindings.iter().any(|binding| late(binding) && edits.iter().any(|edit| stale(edit, binding))) {
            return Err(Refused::OutOfOrder);
        }
        let mut after = bindings.clone();
        for edit in edits {
            let at = after.iter().position(|binding| touches(edit, binding));
            match (edit, at) {
                (Edit::Set(new), Some(at)) => {
                    if let Some(binding) = after.get_mut(at)
                        && !late(binding)
                    {
                        binding.clone_from(new);
                    }
                }
                (Edit::Set(new), None) => after.push(new.clone()),
                (Edit::Remove { .. }, Some(at)) => drop(after.remove(at)),
                (Edit::Remove { .. }, None) => {}
            }
        }
        if after.len() > max && after.len() > bindings.len() {
            return Err(Refused::TooMany);
        }
        *bindings = after;
        Ok(())
    }
}
