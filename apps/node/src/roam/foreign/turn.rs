//! What is sent next, and what an answer, or none, means for what waits.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::StreamId;

use super::{
    Foreign, ForeignError, Pending,
    line::{Key, MOST_SETS, Part, UnderWay, Way},
    message::{self, Answer, Wish},
};

impl Foreign {
    /// Does what can be done now.
    pub(super) fn turn(&mut self) {
        for index in 0..self.lines.len() {
            self.give_up(index);
            self.advance(index);
        }
    }

    /// Gives up what has taken too long.
    fn give_up(&mut self, index: usize) {
        let now = self.now.mono;
        let Some(line) = self.lines.get_mut(index) else { return };
        let opening = matches!(line.way, Way::Opening(_, until) if until <= now);
        let unanswered = line.under_way.as_ref().is_some_and(|under_way| under_way.until <= now);
        if opening || unanswered {
            if let Some(stream) = line.stream() {
                self.steps.push_back(Pending::Close(stream));
            }
            self.lost(index);
        }
        while let Some(line) = self.lines.get_mut(index)
            && let Some(part) = line.queue.pop_front_if(|part| part.until <= now)
        {
            self.fail(part, ForeignError::Silent);
        }
    }

    /// The change failed: what is there of it, nobody knows.
    fn fail(&mut self, part: Part, error: ForeignError) {
        for set in &part.sets {
            if let Some(cell) = self.cells.get_mut(&(set.name.clone(), set.rtype)) {
                cell.there = None;
            }
        }
        self.part_over(part, Some(error));
    }

    /// The stream is gone; what was under way may have been done or not.
    pub(super) fn lost(&mut self, index: usize) {
        let now = self.now.mono;
        let Some(line) = self.lines.get_mut(index) else { return };
        let idle = line.under_way.is_none() && matches!(line.way, Way::Open(_));
        line.cut();
        if let Some(UnderWay { parts, .. }) = line.under_way.take() {
            line.back(parts);
        }
        if !idle {
            line.failed(now);
        }
    }

    /// Sends the next update, when there is something to say and a way.
    fn advance(&mut self, index: usize) {
        let now = self.now.mono;
        loop {
            let Some(line) = self.lines.get_mut(index) else { return };
            let idle = line.queue.is_empty() && line.dirty.is_empty();
            if idle || line.under_way.is_some() || line.rest_until.is_some_and(|until| now < until) {
                return;
            }
            match line.way {
                Way::Open(stream) => {
                    let mut parts = line.take();
                    if parts.is_empty() {
                        parts = self.repairs(index);
                    }
                    if parts.is_empty() || self.send(index, stream, parts) {
                        return;
                    }
                }
                Way::Opening(..) => return,
                Way::None => {
                    self.last_stream = self.last_stream.saturating_add(2);
                    let stream = StreamId(self.last_stream);
                    line.way = Way::Opening(stream, now.later(ANSWER));
                    self.steps.push_back(Pending::Connect(stream));
                    return;
                }
            }
        }
    }

    /// What is to be put right, and touched by no change under way.
    fn repairs(&mut self, index: usize) -> Vec<Part> {
        let (until, cells) = (self.now.mono, &self.cells);
        let Some(line) = self.lines.get_mut(index) else { return Vec::new() };
        let most = if line.alone > 0 { 1 } else { MOST_SETS };
        line.alone = line.alone.saturating_sub(1);
        let free = |key: &&Key| cells.get(*key).is_some_and(|cell| cell.changes == 0);
        let keys: Vec<Key> = line.dirty.iter().filter(free).take(most).cloned().collect();
        let set = |key: &Key| cells.get(key).map(|cell| cell.settled.clone());
        let sets = keys.iter().filter_map(set);
        sets.map(|set| Part { change: None, sets: vec![set], until }).collect()
    }

    /// Sends what of `parts` is not so already; `false` when all is.
    fn send(&mut self, index: usize, stream: StreamId, parts: Vec<Part>) -> bool {
        let (mut left, mut so) = (Vec::new(), Vec::new());
        for part in parts {
            let is_so = part.sets.iter().all(|set| {
                let cell = self.cells.get(&(set.name.clone(), set.rtype));
                cell.is_some_and(|cell| cell.there.as_ref() == Some(&set.rdata))
            });
            if is_so { so.push(part) } else { left.push(part) }
        }
        so.into_iter().for_each(|part| self.part_done(index, part));
        let Some(line) = self.lines.get_mut(index).filter(|_| !left.is_empty()) else { return false };
        let cells = &self.cells;
        let before = |set: &rove_dns::update::OwnSet| {
            cells.get(&(set.name.clone(), set.rtype)).and_then(|cell| cell.there.as_ref())
        };
        let wishes: Vec<Wish<'_>> =
            left.iter().flat_map(|part| &part.sets).map(|set| Wish { set, before: before(set) }).collect();
        let id = (self.entropy.next_u32() >> 16) as u16;
        let (message, mac) = message::write(id, &line.zone, &wishes, &self.config.key, self.now.wall);
        let mut framed = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
        framed.extend_from_slice(&message);
        self.steps.push_back(Pending::Send(stream, framed));
        self.counts.updates = self.counts.updates.saturating_add(1);
        line.under_way = Some(UnderWay { id, mac, parts: left, until: self.now.mono.later(ANSWER) });
        true
    }

    /// A part is there as it should be.
    fn part_done(&mut self, index: usize, part: Part) {
        for set in &part.sets {
            let key = (set.name.clone(), set.rtype);
            if let Some(cell) = self.cells.get_mut(&key) {
                cell.there = Some(set.rdata.clone());
            }
            if let (None, Some(line)) = (part.change, self.lines.get_mut(index)) {
                line.dirty.remove(&key);
            }
        }
        self.part_over(part, None);
    }

    /// The server says something.
    pub(super) fn heard(&mut self, index: usize, mut bytes: &[u8]) {
        while let Some(line) = self.lines.get_mut(index)
            && let Some(message) = line.next_message(&mut bytes)
        {
            let Some(UnderWay { id, mac, .. }) = &line.under_way else { continue };
            let answer = message::read(&message, *id, &self.config.key, self.now.wall, mac);
            let Some(answer) = answer else { continue };
            let Some(UnderWay { parts, .. }) = line.under_way.take() else { continue };
            self.answered(index, answer, parts);
        }
    }

    fn answered(&mut self, index: usize, answer: Answer, mut parts: Vec<Part>) {
        let now = self.now.mono;
        let Some(line) = self.lines.get_mut(index) else { return };
        match answer {
            Answer::Done => {
                line.well();
                parts.into_iter().for_each(|part| self.part_done(index, part));
            }
            Answer::Differs => {
                line.well();
                // Somebody else wrote there, or an answer of ours was lost: set whatever is there.
                for set in parts.iter().flat_map(|part| &part.sets) {
                    if let Some(cell) = self.cells.get_mut(&(set.name.clone(), set.rtype)) {
                        cell.there = None;
                    }
                }
                line.back(parts);
                self.counts.differed = self.counts.differed.saturating_add(1);
            }
            Answer::Passing => {
                line.back(parts);
                line.failed(now);
            }
            Answer::Refused(_) if parts.len() > 1 => {
                line.alone = parts.len();
                line.back(parts);
            }
            Answer::Refused(code) => {
                line.well();
                match parts.pop() {
                    // Not to be put right. What is there, is the server's own affair.
                    Some(part) if part.change.is_none() => {
                        for set in &part.sets {
                            line.dirty.remove(&(set.name.clone(), set.rtype));
                        }
                    }
                    Some(part) => {
                        // Nothing was done: what is there is what was.
                        self.part_over(part, Some(ForeignError::Refused(code)));
                    }
                    None => {}
                }
            }
        }
    }
}

/// How long the server may take for one answer, or to be reached.
const ANSWER: Duration = Duration::from_secs(2);
