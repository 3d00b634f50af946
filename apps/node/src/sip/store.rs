//! The registrar's hand on the node's registry: its bindings are ways to a name there, and who has registered otherwise is
//! found as well. Where the node has a journal, a change is answered when it is durable, and shows then.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use rove_base::{Flow, Instant, Now, Ticket, UnixTime};
use rove_irmv::{
    Claim, Contact, Face, Identifier, Name, News, Number, Record, Registry, SharedRegistry, Way, Ways,
    WireError,
};
use rove_sip::{
    message::{Host, Params, SipUri, Uri},
    registrar::{Answer, Aor, Ask, AskId, Binding, Change, Edits, MemoryLimits, Refused, RegistryStore},
    transport::Hop,
};

/// Where bindings are kept.
pub(crate) struct NodeStore {
    registry: SharedRegistry,
    limits: MemoryLimits,
    /// Users of this domain are meant when a host is an address.
    home: Option<String>,
    keeping: Keeping,
    now: Now,
    answers: VecDeque<(AskId, Answer)>,
    flows: Flows,
}

/// What the journal is for the store.
#[derive(Default)]
struct Keeping {
    /// There is one.
    keeps: bool,
    /// It takes nothing any more.
    broken: bool,
    last: u64,
    /// Records on their way there.
    records: VecDeque<(Ticket, Vec<u8>)>,
    /// Changes that wait for it, oldest first.
    waiting: VecDeque<Waiting>,
    /// What will be known of a name when all is durable, and how many changes of it wait.
    latest: HashMap<Aor, (usize, Arc<[Binding]>)>,
}

struct Waiting {
    ticket: Ticket,
    id: AskId,
    aor: Aor,
    bindings: Arc<[Binding]>,
    ways: Ways,
}

/// Who can be reached over a stream alone.
#[derive(Default)]
struct Flows {
    users: HashMap<Flow, Vec<Aor>>,
    of: HashMap<Aor, Vec<Flow>>,
}

impl NodeStore {
    /// `keeps` says whether there is a journal; `home` whose users are meant when a host is an address.
    pub(crate) fn new(
        registry: SharedRegistry,
        limits: MemoryLimits,
        home: Option<String>,
        keeps: bool,
    ) -> Self {
        registry.lock().listen(Face::Sip);
        let keeping = Keeping { keeps, ..Keeping::default() };
        let (now, answers, flows) = (Now::default(), VecDeque::new(), Flows::default());
        Self { registry, limits, home, keeping, now, answers, flows }
    }

    /// Other limits from now on; what is there stays until it ends.
    pub(crate) const fn set_limits(&mut self, limits: MemoryLimits) {
        self.limits = limits;
    }

    /// The registry that it has a hand on.
    pub(crate) const fn registry(&self) -> &SharedRegistry {
        &self.registry
    }

    /// The next record for the journal.
    pub(crate) fn next_record(&mut self) -> Option<(Ticket, Vec<u8>)> {
        self.keeping.records.pop_front()
    }

    /// All up to `ticket` is on stable storage: it shows, and is answered.
    pub(crate) fn durable(&mut self, ticket: Ticket) {
        while let Some(done) = self.keeping.waiting.pop_front_if(|one| one.ticket <= ticket) {
            let Waiting { id, aor, bindings, ways, .. } = done;
            self.keeping.settle(&aor);
            let answer = self.show(&aor, bindings, &ways);
            self.answers.push_back((id, answer));
        }
    }

    /// Nothing can be kept any more: what waits was not done, as is nothing that follows.
    pub(crate) fn journal_failed(&mut self) {
        self.keeping.broken = true;
        self.keeping.latest.clear();
        self.keeping.records.clear();
        let waiting = self.keeping.waiting.drain(..);
        self.answers.extend(waiting.map(|one| (one.id, Answer::Unavailable)));
    }

    /// Repeats what a record of the journal says, but for ways that have died with their process.
    pub(crate) fn replay(&mut self, record: &[u8]) -> Result<bool, WireError> {
        let cut = || WireError::Truncated("name");
        let (len, rest) = record.split_first_chunk::<2>().ok_or_else(cut)?;
        let (name, ways) = rest.split_at_checked(u16::from_be_bytes(*len).into()).ok_or_else(cut)?;
        let mut left = Ways::default();
        for way in Ways::from_bytes(ways)?.iter() {
            let binding = Binding::from_bytes(way.words, Instant::ZERO).ok_or(WireError::Value("binding"))?;
            if !binding.is_bound_to_stream() {
                left.push(way);
            }
        }
        Ok(self.registry.lock().set_ways(name, &left).is_ok())
    }

    /// Records that say the same as all before; `None` while some are on their way.
    pub(crate) fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        if !self.keeping.waiting.is_empty() {
            return None;
        }
        Some(self.registry.lock().all_ways().map(|(name, ways)| journal_record(name, ways)).collect())
    }

    /// By what URI a number is called that has been registered: its user's address where the domain is one of ours,
    /// else where it is.
    pub(crate) fn called_by(&self, now: Now, number: &str, domains: &[Host]) -> Option<Uri> {
        let number = Identifier::Number(number.parse::<Number>().ok()?);
        let claim = self.registry.lock().present(&number, now.wall)?.claim;
        let domain = domains.iter().find(|host| host.to_string().eq_ignore_ascii_case(claim.name.domain()));
        match domain {
            Some(domain) => Some(Uri::Sip(SipUri::new(domain.clone()).with_user(claim.name.user()))),
            None => claim.contacts.iter().find_map(|contact| place(&claim.name, contact)),
        }
    }

    fn find(&self, now: Now, aor: &Aor) -> Vec<Binding> {
        let mut registry = self.registry.lock();
        let found = either(&mut registry, now, aor.as_bytes());
        let text = || core::str::from_utf8(aor.as_bytes()).ok()?.rsplit_once('@');
        if !found.is_empty() {
            return found;
        }
        let Some((user, host)) = text() else { return found };
        if let Some(home) =
            self.home.as_deref().filter(|_| host.parse::<Host>().is_ok_and(|host| host.ip().is_some()))
        {
            return either(&mut registry, now, format!("{user}@{home}").as_bytes());
        }
        found
    }

    fn change(&mut self, now: Now, id: AskId, aor: Aor, change: &Change) -> Result<Option<Answer>, Answer> {
        let mut bindings = match self.keeping.latest.get(&aor) {
            Some((_, latest)) => latest.to_vec(),
            None => bindings(&self.registry.lock(), now, aor.as_bytes()).collect(),
        };
        let before = bindings.len();
        change.apply(now.mono, &mut bindings, self.limits.bindings_per_aor).map_err(Answer::Refused)?;
        if matches!(&change.edits, Edits::Each(edits) if edits.is_empty()) {
            return Ok(Some(Answer::Bindings(bindings.into())));
        }
        let all = self.registry.lock().ways_len().saturating_sub(before).saturating_add(bindings.len());
        if bindings.len() > before && all > self.limits.bindings {
            return Err(Answer::Refused(Refused::Full));
        }
        let mut ways = Ways::default();
        for binding in &bindings {
            let place = binding.place().map(|(transport, address)| Contact { transport, address });
            let words = binding.to_bytes();
            if !ways.push(Way { until: on_the_wall(now, binding.until), place, words: &words }) {
                return Err(Answer::Refused(Refused::Full));
            }
        }
        let bindings: Arc<[Binding]> = bindings.into();
        if !self.keeping.keeps {
            return Ok(Some(self.show(&aor, bindings, &ways)));
        }
        if self.keeping.broken || self.keeping.waiting.len() >= MOST_WAITING {
            return Err(Answer::Unavailable);
        }
        self.keeping.keep(id, aor, bindings, ways);
        Ok(None)
    }

    fn show(&mut self, aor: &Aor, bindings: Arc<[Binding]>, ways: &Ways) -> Answer {
        if self.registry.lock().set_ways(aor.as_bytes(), ways).is_err() {
            return Answer::Refused(Refused::Full);
        }
        self.flows.note(aor, &bindings);
        Answer::Bindings(bindings)
    }
}

impl Keeping {
    fn keep(&mut self, id: AskId, aor: Aor, bindings: Arc<[Binding]>, ways: Ways) {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.records.push_back((ticket, journal_record(aor.as_bytes(), ways.as_bytes())));
        let latest = self.latest.entry(aor.clone()).or_insert_with(|| (0, Arc::clone(&bindings)));
        *latest = (latest.0 + 1, Arc::clone(&bindings));
        self.waiting.push_back(Waiting { ticket, id, aor, bindings, ways });
    }

    fn settle(&mut self, aor: &Aor) {
        if let Some((waiting, _)) = self.latest.get_mut(aor) {
            *waiting -= 1;
            if *waiting == 0 {
                self.latest.remove(aor);
            }
        }
    }
}

impl Flows {
    /// These are all that a user has now.
    fn note(&mut self, aor: &Aor, bindings: &[Binding]) {
        let flow =
            |binding: &Binding| binding.flow.filter(|_| binding.is_bound_to_stream()).map(|hop| hop.flow);
        let now: Vec<Flow> = bindings.iter().filter_map(flow).collect();
        for flow in self.of.remove(aor).unwrap_or_default() {
            if let Some(users) = self.users.get_mut(&flow) {
                users.retain(|one| one != aor);
                if users.is_empty() {
                    self.users.remove(&flow);
                }
            }
        }
        if now.is_empty() {
            return;
        }
        for flow in &now {
            let users = self.users.entry(*flow).or_default();
            if !users.contains(aor) {
                users.push(aor.clone());
            }
        }
        self.of.insert(aor.clone(), now);
    }
}

impl RegistryStore for NodeStore {
    fn ask(&mut self, now: Now, id: AskId, ask: Ask) {
        self.tick(now);
        let answer = match ask {
            Ask::Find(aor) => Some(Answer::Bindings(self.find(now, &aor).into())),
            Ask::Change(aor, change) => self.change(now, id, aor, &change).unwrap_or_else(Some),
        };
        self.answers.extend(answer.map(|answer| (id, answer)));
    }

    fn poll(&mut self) -> Option<(AskId, Answer)> {
        self.answers.pop_front()
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.registry.lock().expire(now.wall);
    }

    fn deadline(&self) -> Option<Instant> {
        let registry = self.registry.lock();
        if registry.has_news(Face::Sip) {
            return Some(self.now.mono);
        }
        registry.deadline().map(|at| in_this_process(self.now, at))
    }

    fn flow_lost(&mut self, flow: Hop) {
        for aor in self.flows.users.get(&flow.flow).cloned().unwrap_or_default() {
            let mut left = Ways::default();
            let mut registry = self.registry.lock();
            for way in registry.ways(aor.as_bytes()) {
                let binding = Binding::from_bytes(way.words, Instant::ZERO);
                let stays = binding.is_some_and(|one| one.flow.is_none_or(|have| have.flow != flow.flow));
                if stays {
                    left.push(way);
                }
            }
            // Fewer than before, so there is room.
            let _ = registry.lose_ways(aor.as_bytes(), &left);
        }
    }

    fn fallen(&mut self) -> Option<Aor> {
        let mut registry = self.registry.lock();
        let name = match registry.news(Face::Sip)? {
            News::Changed(name) => name,
            News::Ended(record) => record.claim.name.as_str().as_bytes().into(),
        };
        let aor = Aor::from_bytes(&name);
        if self.flows.of.contains_key(&aor) {
            let left: Vec<Binding> = bindings(&registry, self.now, &name).collect();
            self.flows.note(&aor, &left);
        }
        Some(aor)
    }

    fn len(&self) -> usize {
        self.registry.lock().ways_len()
    }

    fn bytes(&self) -> usize {
        self.registry.lock().bytes()
    }
}

/// The registrar's own bindings of a name, else where its user says to be by IRMV.
fn either(registry: &mut Registry, now: Now, name: &[u8]) -> Vec<Binding> {
    let own: Vec<Binding> = bindings(registry, now, name).filter(|one| one.until > now.mono).collect();
    let name = || core::str::from_utf8(name).ok()?.parse::<Name>().ok();
    if !own.is_empty() {
        return own;
    }
    let record = name().and_then(|name| registry.find(&Identifier::Name(name)));
    record.filter(|record| record.claim.expires > now.wall).map_or(own, |record| spoken_for(now, &record))
}

fn bindings<'a>(registry: &'a Registry, now: Now, name: &[u8]) -> impl Iterator<Item = Binding> + use<'a> {
    registry.ways(name).filter_map(move |way| Binding::from_bytes(way.words, in_this_process(now, way.until)))
}

/// Contacts of a record as if they had been registered here.
fn spoken_for(now: Now, record: &Record) -> Vec<Binding> {
    let Claim { name, contacts, expires, .. } = &record.claim;
    let binding = |contact: &Contact| {
        Some(Binding {
            contact: place(name, contact)?,
            params: Params::default(),
            q: 1_000,
            until: in_this_process(now, *expires),
            call_id: String::new(),
            cseq: 0,
            path: Vec::new(),
            instance: None,
            flow: None,
        })
    };
    contacts.iter().filter_map(binding).collect()
}

/// Where a contact takes calls, as a URI.
fn place(name: &Name, contact: &Contact) -> Option<Uri> {
    let Contact { transport, address } = contact;
    let ip = address.ip();
    let reachable = !ip.is_unspecified() && !ip.is_multicast() && address.port() != 0;
    let uri = format!("sip:{}@{address};transport={transport}", name.user());
    if reachable { uri.parse().ok() } else { None }
}

fn journal_record(name: &[u8], ways: &[u8]) -> Vec<u8> {
    let len = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let name = name.get(..usize::from(len)).unwrap_or_default();
    [&len.to_be_bytes()[..], name, ways].concat()
}

fn on_the_wall(now: Now, at: Instant) -> UnixTime {
    let left = at.since(now.mono).as_nanos();
    UnixTime::from_nanos(now.wall.as_nanos().saturating_add(u64::try_from(left).unwrap_or(u64::MAX)))
}

fn in_this_process(now: Now, at: UnixTime) -> Instant {
    let left = at.as_nanos().saturating_sub(now.wall.as_nanos());
    Instant::from_nanos(now.mono.as_nanos().saturating_add(left))
}

/// Changes that may wait for the journal.
const MOST_WAITING: usize = 10_000;

#[cfg(test)]
mod tests;
