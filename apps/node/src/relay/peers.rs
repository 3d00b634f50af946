//! What the desks of one relay tell each other: seldom, and never a packet.
//!
//! Each has an inbox. What was decided at one desk is in the inboxes of all others before its answer leaves, and an inbox is
//! emptied before a batch of packets is worked off: whoever was told that it is welcome is known at every desk to which it, or
//! whoever heard of it, can send next.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rove_base::{Now, Scratch};
use rove_relay::{
    calls::{self, CallSight, Calls},
    turn::{self, TurnConfig, TurnServer},
};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::timeout,
};

use super::{desk::Desk, metrics::Sums};

/// What one desk says to another.
pub(super) enum Note {
    /// What all desks have to know.
    News(Arc<News>),
    /// What have you counted?
    Sums(oneshot::Sender<Sums>),
    /// What do you know of these calls?
    Sights(Arc<[[u8; 16]]>, oneshot::Sender<Vec<CallSight>>),
    /// Other accounts, peers and limits from now on, and as many calls.
    Renew(Box<TurnConfig>, usize, oneshot::Sender<()>),
}

/// In the order in which it came about.
pub(super) struct News {
    calls: Vec<calls::Tiding>,
    turn: Vec<turn::Tiding>,
}

/// The other desks, as one of them has them.
pub(super) struct Peers {
    inbox: mpsc::Receiver<Note>,
    others: Vec<mpsc::Sender<Note>>,
    /// Heard before a batch of packets, to be dealt with after it.
    later: Vec<Note>,
    /// An inbox was full: what is to be told waits here.
    behind: bool,
}

/// Desks with what each of them is asked, and where its answer comes.
pub(super) struct Asked<T>(Vec<(mpsc::Sender<Note>, Note, oneshot::Receiver<T>)>);

/// Connects so many desks with each other; one alone has nobody to tell anything.
pub(super) fn between(count: usize) -> Vec<Option<Peers>> {
    if count == 1 {
        return vec![None];
    }
    let (told, inboxes): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel(WAITING)).unzip();
    let peers = |(own, inbox): (usize, mpsc::Receiver<Note>)| {
        let others = told.iter().enumerate().filter(|(index, _)| *index != own);
        let others = others.map(|(_, told)| told.clone()).collect();
        Some(Peers { inbox, others, later: Vec::new(), behind: false })
    };
    inboxes.into_iter().enumerate().map(peers).collect()
}

impl Peers {
    /// Whether what is to be told waits for room.
    pub(super) const fn is_behind(&self) -> bool {
        self.behind
    }

    /// The next note, when there is one.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Note> {
        match self.inbox.poll_recv(cx) {
            Poll::Ready(Some(note)) => Poll::Ready(note),
            // Nobody is left who could say anything.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Takes in what has been told so far. To be called before each batch of packets.
    // Not part of the loop over packets, which one desk alone goes through without it.
    pub(super) fn catch_up(&mut self, now: Now, turn: &mut TurnServer, calls: &mut Calls, out: &mut Scratch) {
        for _ in 0..WAITING {
            match self.inbox.try_recv() {
                Ok(Note::News(news)) => news.tell(now, turn, calls, out),
                Ok(note) => self.later.push(note),
                Err(_) => return,
            }
        }
    }

    /// A question for all others.
    pub(super) fn ask<T>(&self, question: impl Fn(oneshot::Sender<T>) -> Note) -> Asked<T> {
        let ask = |other: &mpsc::Sender<Note>| {
            let (reply, answer) = oneshot::channel();
            (other.clone(), question(reply), answer)
        };
        Asked(self.others.iter().map(ask).collect())
    }

    /// Tells all others, or none of them where one has no room now.
    fn tell(&mut self, gather: impl FnOnce() -> News) {
        let mut places = Vec::with_capacity(self.others.len());
        for other in &self.others {
            match other.try_reserve() {
                Ok(place) => places.push(place),
                Err(TrySendError::Full(())) => {
                    self.behind = true;
                    return;
                }
                // It has ended, and so has the relay.
                Err(TrySendError::Closed(())) => {}
            }
        }
        self.behind = false;
        let news = Arc::new(gather());
        places.into_iter().for_each(|place| place.send(Note::News(Arc::clone(&news))));
    }
}

impl<T> Asked<T> {
    /// What they answer, in their order. `None`: one of them does not.
    pub(super) async fn answers(self) -> Option<Vec<T>> {
        let all = async {
            let mut answers = Vec::with_capacity(self.0.len());
            for (other, note, answer) in self.0 {
                other.send(note).await.ok()?;
                answers.push(answer.await.ok()?);
            }
            Some(answers)
        };
        timeout(PATIENCE, all).await.ok()?
    }
}

impl News {
    fn tell(&self, now: Now, turn: &mut TurnServer, calls: &mut Calls, out: &mut Scratch) {
        self.calls.iter().for_each(|tiding| calls.told(now, tiding));
        self.turn.iter().for_each(|tiding| turn.told(now, tiding, out));
    }
}

impl Desk {
    /// Tells the other desks what they have to know.
    pub(super) fn tell(&mut self) {
        let Self { peers: Some(peers), turn, calls, .. } = self else { return };
        if calls.has_tidings() || turn.has_tidings() {
            peers.tell(|| News {
                calls: std::iter::from_fn(|| calls.next_tiding()).collect(),
                turn: std::iter::from_fn(|| turn.next_tiding()).collect(),
            });
        }
    }

    /// Deals with a note of another desk.
    pub(super) fn hear(&mut self, now: Now, note: Note) {
        // Whoever has asked may not wait any more.
        match note {
            Note::News(news) => news.tell(now, &mut self.turn, &mut self.calls, &mut self.scratch),
            Note::Sums(reply) => drop(reply.send(self.sums())),
            Note::Sights(ids, reply) => {
                drop(reply.send(ids.iter().filter_map(|id| self.calls.sight(id)).collect()));
            }
            Note::Renew(config, calls, reply) => {
                self.calls.set_most(calls);
                self.calls.mark(config.dscp);
                self.turn.reconfigure(*config);
                let _ = reply.send(());
            }
        }
    }

    /// Deals with what was heard before a batch of packets.
    pub(super) fn hear_later(&mut self, now: Now) {
        let later = self.peers.as_mut().map(|peers| std::mem::take(&mut peers.later));
        later.into_iter().flatten().for_each(|note| self.hear(now, note));
    }
}

/// Notes in an inbox.
const WAITING: usize = 256;
/// For the answers of all other desks.
const PATIENCE: Duration = Duration::from_secs(5);
