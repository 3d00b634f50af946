//! The media of calls: what the engine says of them.

use rove_session::MediaFact;

use super::{super::media::MediaNews, Desk};
use crate::PhoneEvent;

impl Desk {
    /// Carries what the engine has to say to the switchboard and to the owner.
    pub(super) fn take_media_news(&mut self) {
        while let Some((call, news)) = self.media.next() {
            let now = self.clock.now();
            match news {
                MediaNews::FirstAudio(at) => self.board.media(now, call, MediaFact::FirstAudio(at)),
                MediaNews::Quality(quality) => {
                    self.board.media(now, call, MediaFact::Quality(quality));
                    self.tell(PhoneEvent::Quality { call, quality });
                }
                MediaNews::Candidate(candidate) => {
                    self.board.media(now, call, MediaFact::Candidate(candidate));
                }
                MediaNews::Failed(why) => self.board.media(now, call, MediaFact::Failed(why)),
                MediaNews::Digit(digit) => self.tell(PhoneEvent::Digit { call, digit }),
                MediaNews::SendingStopped(why) => self.tell(PhoneEvent::SendingStopped { call, why }),
                MediaNews::Switched(switched) => self.tell(PhoneEvent::Switched { call, switched }),
                MediaNews::Stopped(summary) => {
                    self.board.media(now, call, MediaFact::Quality(summary));
                    self.conclude(call);
                }
            }
        }
    }
}
