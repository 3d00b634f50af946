//! What one face of a server has to hear of what the other has done, and of what time has.

use std::collections::VecDeque;

use crate::Record;

/// Who registers here, and asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Face {
    /// IRMV itself.
    Native,
    /// SIP.
    Sip,
}

/// What a face has not done itself.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The user's own record has ended.
    Ended(Box<Record>),
    /// What is known of this name by the other face is something else now.
    Changed(Box<[u8]>),
}

/// News for each face that listens.
#[derive(Debug, Default)]
pub(super) struct Newsstand {
    native: Option<VecDeque<News>>,
    sip: Option<VecDeque<News>>,
}

impl Newsstand {
    pub(super) fn listen(&mut self, face: Face) {
        self.of(face).get_or_insert_default();
    }

    pub(super) fn tell(&mut self, face: Face, news: impl FnOnce() -> News) {
        // A face hears its news before it does anything else, so they are as many as one turn of the other brings.
        if let Some(queue) = self.of(face).as_mut().filter(|queue| queue.len() < MOST) {
            queue.push_back(news());
        }
    }

    pub(super) fn next(&mut self, face: Face) -> Option<News> {
        self.of(face).as_mut()?.pop_front()
    }

    pub(super) fn any(&self, face: Face) -> bool {
        let queue = match face {
            Face::Native => &self.native,
            Face::Sip => &self.sip,
        };
        queue.as_ref().is_some_and(|queue| !queue.is_empty())
    }

    const fn of(&mut self, face: Face) -> &mut Option<VecDeque<News>> {
        match face {
            Face::Native => &mut self.native,
            Face::Sip => &mut self.sip,
        }
    }
}

/// News that wait; of more, who watches hears with the next change.
const MOST: usize = 1 << 20;
