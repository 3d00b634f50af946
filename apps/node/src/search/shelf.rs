//! The pointers that a server keeps: its own, and those of others whose keys are near.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map},
    time::{Duration, Instant},
};

use libp2p_identity::PeerId;
use libp2p_kad::{
    ProviderRecord, Record, RecordKey,
    store::{Error, RecordStore, Result as StoreResult},
};
use rove_base::UnixTime;
use rove_irmv::{BadPointer, Pointer, SearchKey};

/// How much is kept at most.
#[derive(Clone, Copy, Debug)]
pub struct ShelfLimits {
    /// Pointers in all.
    pub pointers: usize,
    /// Pointers of one server.
    pub of_server: usize,
    /// Pointers that one neighbour has brought, whoever signed them.
    pub from_peer: usize,
}

impl Default for ShelfLimits {
    /// Some 60 MB in all; a sixteenth for each server and neighbour.
    fn default() -> Self {
        Self { pointers: 200_000, of_server: 12_500, from_peer: 12_500 }
    }
}

/// Why a pointer is not kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotKept {
    /// It is not believed.
    #[error(transparent)]
    Bad(#[from] BadPointer),
    /// There is no room: in all, for its server, for whoever brought it, or under this key.
    #[error("there is no room for it")]
    Full,
    /// One of the same server that is good for longer is here.
    #[error("a later one is here")]
    Old,
}

/// What is kept, with who brought it.
#[derive(Debug)]
struct Kept {
    pointers: Vec<(Pointer, PeerId)>,
    /// As it is answered.
    record: Record,
}

/// Keeps pointers; a [`RecordStore`] that believes only what is signed.
#[derive(Debug)]
pub struct Shelf {
    local: PeerId,
    limits: ShelfLimits,
    kept: HashMap<RecordKey, Kept>,
    of_server: HashMap<[u8; 32], usize>,
    from_peer: HashMap<PeerId, usize>,
    count: usize,
}

impl Shelf {
    /// An empty one.
    #[must_use]
    pub fn new(local: PeerId, limits: ShelfLimits) -> Self {
        let (of_server, from_peer) = (HashMap::new(), HashMap::new());
        Self { local, limits, kept: HashMap::new(), of_server, from_peer, count: 0 }
    }

    /// Pointers that are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Keeps what `from` has brought, if it is signed by the server that it names and there is room.
    ///
    /// # Errors
    ///
    /// [`NotKept`]; of several, those before the one that fails are kept.
    pub fn keep(&mut self, record: &Record, from: PeerId, wall: UnixTime) -> Result<(), NotKept> {
        let key = <[u8; 32]>::try_from(record.key.as_ref()).map_err(|_| BadPointer::Key)?;
        for pointer in Pointer::decode_all(&record.value).map_err(BadPointer::from)? {
            pointer.verify(SearchKey(key), wall)?;
            self.put_down(pointer, from, wall)?;
        }
        Ok(())
    }

    fn put_down(&mut self, pointer: Pointer, from: PeerId, wall: UnixTime) -> Result<(), NotKept> {
        let key = RecordKey::new(&pointer.key.0);
        let there = self.kept.get(&key).map_or(&[][..], |kept| &kept.pointers);
        let same = there.iter().position(|(have, _)| have.server == pointer.server);
        let limits = self.limits;
        match same.and_then(|at| there.get(at)) {
            Some((have, _)) if have.expires > pointer.expires => return Err(NotKept::Old),
            Some(_) => self.take_up(&key, same),
            None if there.len() >= Pointer::TOGETHER => return Err(NotKept::Full),
            None => {}
        }
        let server = self.of_server.get(&pointer.server).copied().unwrap_or_default();
        let brought = self.from_peer.get(&from).copied().unwrap_or_default();
        let ours = from == self.local;
        if !ours
            && (self.count >= limits.pointers || server >= limits.of_server || brought >= limits.from_peer)
        {
            return Err(NotKept::Full);
        }
        self.count += 1;
        *self.of_server.entry(pointer.server).or_default() += 1;
        *self.from_peer.entry(from).or_default() += 1;
        let record = Record::new(key.clone(), Vec::new());
        let kept = self.kept.entry(key).or_insert_with(|| Kept { pointers: Vec::new(), record });
        kept.pointers.push((pointer, from));
        kept.refresh(wall);
        Ok(())
    }

    /// Removes one pointer, by its place under its key.
    fn take_up(&mut self, key: &RecordKey, at: Option<usize>) {
        let Some(at) = at else { return };
        let Some(kept) = self.kept.get_mut(key) else { return };
        if at < kept.pointers.len() {
            let (pointer, from) = kept.pointers.swap_remove(at);
            less(&mut self.of_server, &pointer.server);
            less(&mut self.from_peer, &from);
            self.count -= 1;
        }
        if kept.pointers.is_empty() {
            self.kept.remove(key);
        }
    }

    /// Forgets what is out of date.
    pub fn sweep(&mut self, wall: UnixTime) {
        let (of_server, from_peer, count) = (&mut self.of_server, &mut self.from_peer, &mut self.count);
        self.kept.retain(|_, kept| {
            let before = kept.pointers.len();
            kept.pointers.retain(|(pointer, from)| {
                let stays = pointer.expires > wall;
                if !stays {
                    less(of_server, &pointer.server);
                    less(from_peer, from);
                    *count -= 1;
                }
                stays
            });
            if kept.pointers.len() < before {
                kept.refresh(wall);
            }
            !kept.pointers.is_empty()
        });
    }
}

impl Kept {
    fn refresh(&mut self, wall: UnixTime) {
        self.record.value = Pointer::encode_all(self.pointers.iter().map(|(pointer, _)| pointer));
        let latest =
            self.pointers.iter().map(|(pointer, _)| pointer.expires.as_secs()).max().unwrap_or_default();
        let left = latest.saturating_sub(wall.as_secs()).min(Pointer::LONGEST);
        self.record.expires = Instant::now().checked_add(Duration::from_secs(left));
    }
}

/// One less of it; none is nothing.
fn less<K: Eq + std::hash::Hash + Clone>(counts: &mut HashMap<K, usize>, key: &K) {
    if let hash_map::Entry::Occupied(mut entry) = counts.entry(key.clone()) {
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

impl RecordStore for Shelf {
    type ProvidedIter<'a> = std::iter::Empty<Cow<'a, ProviderRecord>>;
    type RecordsIter<'a> = std::vec::IntoIter<Cow<'a, Record>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        self.kept.get(key).map(|kept| Cow::Borrowed(&kept.record))
    }

    /// Only what this server publishes itself comes this way; what others bring is asked of [`Shelf::keep`].
    fn put(&mut self, record: Record) -> StoreResult<()> {
        if record.publisher != Some(self.local) {
            return Ok(());
        }
        let now = record.expires.map_or(0, |until| until.saturating_duration_since(Instant::now()).as_secs());
        for pointer in Pointer::decode_all(&record.value).map_err(|_| Error::ValueTooLarge)? {
            let wall = UnixTime::from_secs(pointer.expires.as_secs().saturating_sub(now));
            self.put_down(pointer, self.local, wall).map_err(|_| Error::MaxRecords)?;
        }
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) {
        while self.kept.contains_key(key) {
            self.take_up(key, Some(0));
        }
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        self.kept.values().map(|kept| Cow::Borrowed(&kept.record)).collect::<Vec<_>>().into_iter()
    }

    /// Nobody provides anything here.
    fn add_provider(&mut self, _: ProviderRecord) -> StoreResult<()> {
        Err(Error::MaxProvidedKeys)
    }

    fn providers(&self, _: &RecordKey) -> Vec<ProviderRecord> {
        Vec::new()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        std::iter::empty()
    }

    fn remove_provider(&mut self, _: &RecordKey, _: &PeerId) {}
}
