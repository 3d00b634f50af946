//! Where bindings are kept: asked, and answering when it can.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::sync::Arc;

use rove_base::{Instant, Now};

use super::{Aor, Binding, Change, Refused};
use crate::transport::Hop;

/// Names a question between its asker and the store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AskId(pub u64);

/// What a store is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// The bindings of an address of record.
    Find(Aor),
    /// To change them, and to tell what they are then.
    Change(Aor, Change),
}

/// What a store answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The bindings as they are now; none when nobody is there.
    Bindings(Arc<[Binding]>),
    /// Nothing was changed.
    Refused(Refused),
    /// The store cannot be reached.
    Unavailable,
}

/// A place where bindings are kept. It does no I/O here either: what it has to say to the world goes through whoever
/// drives it.
pub trait RegistryStore {
    /// Asks. The answer comes from [`RegistryStore::poll`], at once or later, in any order.
    fn ask(&mut self, now: Now, id: AskId, ask: Ask);

    /// The next answer.
    fn poll(&mut self) -> Option<(AskId, Answer)>;

    /// Time has passed.
    fn tick(&mut self, now: Now);

    /// When [`RegistryStore::tick`] has something to do.
    fn deadline(&self) -> Option<Instant>;

    /// Forgets the bindings that can be reached over this flow alone, since it is gone (RFC 5626 §5.3).
    fn flow_lost(&mut self, flow: Hop);

    /// Somebody whose bindings are others without its having been asked to change them: their time has passed, their flow
    /// is gone, or somebody else who stands on the same store has changed them. To be asked until there is none.
    fn fallen(&mut self) -> Option<Aor>;

    /// Number of bindings, also of those whose time has passed unnoticed.
    fn len(&self) -> usize;

    /// How much of this process's memory they take, in bytes.
    fn bytes(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
