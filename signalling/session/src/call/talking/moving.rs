//! Media leave from other ports: this host has another address, or the way from the one there was is not good enough.

use rove_base::Direction;
use rove_sdp::Ice;
use rove_sip::transport::Hop;

use super::{
    super::{Ask, Context, Progress, State},
    Talking, Wanted,
};
use crate::MediaPorts;

impl Talking {
    /// This host has another address.
    pub(super) fn move_on(mut self, cx: &mut Context<'_>) -> State {
        self.earlier = None;
        cx.ask(Ask::OpenMedia(self.hop.remote));
        State::Talking(self)
    }

    /// Media shall leave from elsewhere, if the other side agrees.
    pub(super) fn relocate(mut self, cx: &mut Context<'_>) -> State {
        if self.wanted.is_some() {
            return self.stay(cx, "another change is under way".into());
        }
        self.earlier = Some(Box::new(self.local.clone()));
        cx.ask(Ask::OpenMedia(self.hop.remote));
        State::Talking(self)
    }

    /// No ports could be opened.
    pub(super) fn stay(mut self, cx: &mut Context<'_>, why: String) -> State {
        self.earlier = None;
        cx.tell(Progress::Unchanged { why });
        State::Talking(self)
    }

    /// Ports are open at our new address: the other side is told of it (RFC 3261 §14.1).
    /// Where connectivity is checked, it is checked anew (RFC 8445 §9, RFC 8839 §4.4.1.1.1).
    pub(super) fn moved(mut self, cx: &mut Context<'_>, ports: &MediaPorts) -> State {
        (self.local.address, self.local.rtcp) = (ports.rtp, ports.rtcp);
        if let (Some(ice), Some(path)) = (&mut self.local.ice, &ports.path) {
            *ice = Ice::new(&path.credentials, &path.candidates, cx.config.stun_server.is_none());
        }
        let hop = if self.earlier.is_some() {
            self.wanted = Some(Wanted::Relocate);
            None
        } else {
            let local = cx.config.local(self.hop.transport, ports.signalling);
            self.hop = Hop::toward(self.hop.transport, local, self.hop.remote);
            self.wanted = Some(Wanted::Move);
            Some(self.hop)
        };
        let offer = self.session.offer(&self.local).to_bytes();
        cx.ask(Ask::Change { offer, hop });
        State::Talking(self)
    }

    /// What was wanted does not take place.
    pub(super) fn undo(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Hold | Wanted::Resume => {
                self.local.direction = if self.holding { Direction::SendOnly } else { Direction::SendRecv };
            }
            // The address there was is no more.
            Wanted::Move => {}
            Wanted::Relocate => {
                if let Some(earlier) = self.earlier.take() {
                    self.local = *earlier;
                }
            }
        }
    }
}
