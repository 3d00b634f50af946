//! Bindings in this process's memory.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use rove_base::{Entropy, Flow, Instant, Now};

use super::{Answer, Aor, Ask, AskId, Binding, Change, Refused, RegistryStore};
use crate::{
    transaction::{Keyed, KeyedMap},
    transport::Hop,
};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLimits {
    /// Bindings of one address of record.
    pub bindings_per_aor: usize,
    /// Bindings of all.
    pub bindings: usize,
    /// Bytes that all of them may take.
    pub bytes: usize,
}

impl Default for MemoryLimits {
    /// 10 each, 100 000 in all, 128 MiB.
    fn default() -> Self {
        Self { bindings_per_aor: 10, bindings: 100_000, bytes: 128 << 20 }
    }
}

/// A [`RegistryStore`] that answers at once and forgets with its process.
pub struct MemoryStore {
    limits: MemoryLimits,
    kept: KeyedMap<Aor, Arc<[Binding]>>,
    /// When the first binding of each address of record ends.
    ends: BTreeSet<(Instant, Aor)>,
    /// Who can be reached over a stream alone.
    flows: KeyedMap<Flow, Vec<Aor>>,
    count: usize,
    bytes: usize,
    answers: VecDeque<(AskId, Answer)>,
    /// Whose bindings have become fewer by themselves.
    fallen: BTreeSet<Aor>,
}

impl MemoryStore {
    /// Holds nothing yet.
    #[must_use]
    pub fn new(limits: MemoryLimits, entropy: &mut Entropy) -> Self {
        let keyed = Keyed::new(entropy);
        Self {
            limits,
            kept: KeyedMap::with_hasher(keyed.clone()),
            ends: BTreeSet::new(),
            flows: KeyedMap::with_hasher(keyed),
            count: 0,
            bytes: 0,
            answers: VecDeque::new(),
            fallen: BTreeSet::new(),
        }
    }

    fn change(&mut self, now: Instant, aor: &Aor, change: &Change) -> Result<Arc<[Binding]>, Refused> {
        let mut bindings = self.kept.get(aor).map(|kept| kept.to_vec()).unwrap_or_default();
        let before = bindings.len();
        change.apply(now, &mut bindings, self.limits.bindings_per_aor)?;
        let others = self.count.saturating_sub(before);
        let had = self.kept.get(aor).map_or(0, |kept| weight(kept));
        let wants = weight(&bindings);
        if wants > had && self.bytes.saturating_sub(had).saturating_add(wants) > self.limits.bytes {
            return Err(Refused::Full);
        }
        if bindings.len() > before && others.saturating_add(bindings.len()) > self.limits.bindings {
            return Err(Refused::Full);
        }
        Ok(self.put(aor, bindings))
    }

    /// Keeps these bindings in place of what was there.
    fn put(&mut self, aor: &Aor, bindings: Vec<Binding>) -> Arc<[Binding]> {
        let bindings: Arc<[Binding]> = bindings.into();
        let end = |bindings: &[Binding]| bindings.iter().map(|binding| binding.until).min();
        let before = match bindings.is_empty() {
            true => self.kept.remove(aor),
            false => self.kept.insert(aor.clone(), Arc::clone(&bindings)),
        };
        let old: &[Binding] = before.as_deref().unwrap_or_default();
        if let Some(at) = end(old) {
            self.ends.remove(&(at, aor.clone()));
        }
        if let Some(at) = end(&bindings) {
            self.ends.insert((at, aor.clone()));
        }
        self.count = self.count.saturating_sub(old.len()).saturating_add(bindings.len());
        self.bytes = self.bytes.saturating_add(weight(&bindings)).saturating_sub(weight(old));
        for flow in streams(old) {
            if let Some(aors) = self.flows.get_mut(&flow) {
                aors.retain(|have| have != aor);
                if aors.is_empty() {
                    self.flows.remove(&flow);
                }
            }
        }
        for flow in streams(&bindings) {
            let aors = self.flows.entry(flow).or_default();
            if !aors.contains(aor) {
                aors.push(aor.clone());
            }
        }
        bindings
    }
}

impl RegistryStore for MemoryStore {
    fn ask(&mut self, now: Now, id: AskId, ask: Ask) {
        self.tick(now);
        let now = now.mono;
        let answer = match &ask {
            Ask::Find(aor) => Answer::Bindings(self.kept.get(aor).cloned().unwrap_or_else(|| [].into())),
            Ask::Change(aor, change) => match self.change(now, aor, change) {
                Ok(bindings) => Answer::Bindings(bindings),
                Err(refused) => Answer::Refused(refused),
            },
        };
        self.answers.push_back((id, answer));
    }

    fn poll(&mut self) -> Option<(AskId, Answer)> {
        self.answers.pop_front()
    }

    fn tick(&mut self, now: Now) {
        let now = now.mono;
        while let Some((_, aor)) = self.ends.first().filter(|(at, _)| *at <= now).cloned() {
            let left = self.kept.get(&aor).map(|kept| kept.to_vec()).unwrap_or_default();
            self.put(&aor, left.into_iter().filter(|binding| binding.until > now).collect());
            self.fallen.insert(aor);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.ends.first().map(|(at, _)| *at)
    }

    fn flow_lost(&mut self, flow: Hop) {
        for aor in self.flows.get(&flow.flow).cloned().unwrap_or_default() {
            let left = self.kept.get(&aor).map(|kept| kept.to_vec()).unwrap_or_default();
            let stays = |binding: &Binding| binding.flow.is_none_or(|have| have.flow != flow.flow);
            self.put(&aor, left.into_iter().filter(stays).collect());
            self.fallen.insert(aor);
        }
    }

    fn fallen(&mut self) -> Option<Aor> {
        self.fallen.pop_first()
    }

    fn len(&self) -> usize {
        self.count
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} bindings of {})", self.count, self.kept.len())
    }
}

fn weight(bindings: &[Binding]) -> usize {
    bindings.iter().map(Binding::bytes).fold(0, usize::saturating_add)
}

fn streams(bindings: &[Binding]) -> impl Iterator<Item = Flow> + '_ {
    let flows = bindings.iter().filter_map(|binding| binding.flow.map(|hop| hop.flow));
    flows.filter(|flow| matches!(flow, Flow::Stream(_)))
}
