//! The offers and answers of one call, from its first to its last (RFC 3264 §8).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{Direction, Security};

use crate::{
    Candidate, Description, Ice, Line, Local, Media, Mismatch, Negotiated, TlsId, TrickleFragment,
    TrickleMedia,
    negotiate::{self, Before, refused},
    numbers::Numbers,
    offer::{describe, offered},
    protect::named,
};

/// One side of a session: what was said by both, and what stands.
///
/// What fails leaves the session as it was. Its size is bounded by that of the descriptions that are read.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Our last description, whether it was taken or not: its version is not used again for another.
    sent: Option<Description>,
    /// Our offer that waits for an answer.
    pending: Option<Description>,
    stands: Option<Stands>,
    ours: Numbers,
    theirs: Numbers,
}

/// The last exchange that came to an agreement.
#[derive(Clone, Debug)]
struct Stands {
    /// Our media, in order.
    media: Vec<Media>,
    /// Which of them is our audio.
    place: usize,
    /// Their credentials, which change when connectivity is checked anew.
    ufrag: Option<String>,
    /// What they call the DTLS association.
    tls_id: Option<TlsId>,
    agreed: Negotiated,
}

impl Session {
    /// Our offer: the first one, or one that changes what stands. All media that were there before stay in their places
    /// (RFC 3264 §8). It waits for [`Session::accept`] or [`Session::withdraw`]; one that waits already is replaced.
    ///
    /// What `local` wants of protection has to be [possible](crate::Protection::is_possible), else the offer has none.
    #[must_use]
    pub fn offer(&mut self, local: &Local) -> Description {
        let mut audio = offered(local, &mut self.ours);
        let mut media: Vec<Media> =
            self.stands.iter().flat_map(|stands| &stands.media).map(refused).collect();
        let place = self.stands.as_ref().map(|stands| stands.place);
        let slot = place.and_then(|place| media.get_mut(place));
        if let Some(mid) = slot.as_ref().and_then(|slot| slot.mid()).or(local.ice.as_ref().map(|_| "0")) {
            audio.lines.push(Line::attribute(format!("mid:{mid}")));
        }
        let bundle = audio.mid().map(|mid| Line::attribute(format!("group:BUNDLE {mid}")));
        match slot {
            Some(slot) => *slot = audio,
            None => media.push(audio),
        }
        let mut description = describe(local, media);
        description.lines.extend(bundle.filter(|_| local.ice.is_some()));
        let description = self.say(description);
        self.pending = Some(description.clone());
        description
    }

    /// Answers `offer`: the audio stream that stands, else the first one that can be protected, else the first with a
    /// codec of ours, is taken with the first such codec in the offerer's order (RFC 3264 §6.1); all other media are
    /// refused with port 0. An offer without the audio that stood is taken, too, and leaves nothing
    /// ([`Negotiated::removed`]).
    ///
    /// # Errors
    ///
    /// [`Mismatch`] says why nothing in the offer can be taken.
    pub fn answer(
        &mut self,
        offer: &Description,
        local: &Local,
    ) -> Result<(Description, Negotiated), Mismatch> {
        let before = self.stands.as_ref().map_or(0, |stands| stands.media.len());
        if offer.media.len() < before {
            return Err(Mismatch::MediaCount);
        }
        let (place, ours, agreed) = match self.choose(offer, local)? {
            Some((place, ours, agreed)) => (place, Some(ours), agreed),
            None => {
                let stands = self.stands.as_ref().ok_or(Mismatch::NoAudio)?;
                (stands.place, None, Negotiated { removed: true, ..removed(&stands.agreed) })
            }
        };
        let mut media: Vec<_> = offer.media.iter().map(refused).collect();
        let mut bundle = None;
        if let (Some(slot), Some(ours)) = (media.get_mut(place), ours) {
            self.ours.note(&ours);
            let shared = ours.mid().is_some_and(|mid| offer.bundle_of(mid).is_some());
            bundle = ours.mid().filter(|_| shared).map(|mid| Line::attribute(format!("group:BUNDLE {mid}")));
            *slot = ours;
        }
        if let Some(theirs) = offer.media.get(place) {
            self.theirs.note(&self.theirs.without_changed(theirs));
        }
        let mut description = describe(local, media);
        // The times are the offer's (RFC 3264 §6).
        description.lines = offer.lines.iter().filter(|line| line.kind == 't').cloned().collect();
        description.lines.extend(bundle);
        let description = self.say(description);
        self.stand(&description, place, &agreed, offer);
        Ok((description, agreed))
    }

    /// Reads the answer to our offer: the codec is the first in the answer that we offered.
    ///
    /// # Errors
    ///
    /// [`Mismatch`] says why the answer cannot be used.
    pub fn accept(&mut self, answer: &Description, local: &Local) -> Result<Negotiated, Mismatch> {
        let offer = self.pending.take().ok_or(Mismatch::NoOffer)?;
        if offer.media.len() != answer.media.len() {
            return Err(Mismatch::MediaCount);
        }
        let (place, ours) = offer.audio().ok_or(Mismatch::NoAudio)?;
        let theirs = answer.media.get(place).filter(|media| media.is_audio()).ok_or(Mismatch::MediaCount)?;
        let theirs = self.theirs.without_changed(theirs);
        let agreed = negotiate::accept(&offer, ours, answer, &theirs, local, self.before())?;
        self.theirs.note(&theirs);
        self.stand(&offer, place, &agreed, answer);
        Ok(agreed)
    }

    /// Our offer was refused: what stood before goes on.
    pub fn withdraw(&mut self) {
        self.pending = None;
    }

    /// Whether an offer of ours waits for its answer: meanwhile there must be no other, of neither side (RFC 3264 §4).
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// What stands.
    #[must_use]
    pub fn agreed(&self) -> Option<&Negotiated> {
        self.stands.as_ref().map(|stands| &stands.agreed)
    }

    /// Our last description.
    #[must_use]
    pub const fn sent(&self) -> Option<&Description> {
        self.sent.as_ref()
    }

    /// Whether `offer` wants connectivity checked anew (RFC 8839 §4.4.3): then `local` has to come with new credentials.
    #[must_use]
    pub fn restarts_ice(&self, offer: &Description) -> bool {
        let Some(stands) = &self.stands else { return false };
        let theirs = offer.media.get(stands.place).map(|media| offer.transport_of(media));
        let ufrag = theirs.and_then(|media| Ice::of(offer, media)).map(|ice| ice.ufrag);
        ufrag.is_some() && stands.ufrag.is_some() && ufrag != stands.ufrag
    }

    /// Whether `offer` is about another DTLS association than the one that stands (RFC 8842 §5.3): then `local` has to come
    /// with another name for it as well.
    #[must_use]
    pub fn renews_dtls(&self, offer: &Description) -> bool {
        let Some(stands) = &self.stands else { return false };
        let theirs = offer.media.get(stands.place).map(|media| offer.transport_of(media));
        let tls_id = theirs.and_then(|media| named(offer, media));
        tls_id.is_some() && stands.tls_id.is_some() && tls_id != stands.tls_id
    }

    /// What `local` says of its candidates by now, for a message inside the call (RFC 8840 §4.4). `None` where the other
    /// side does not take candidates later, or there are no checks.
    #[must_use]
    pub fn trickle(&self, local: &Local) -> Option<TrickleFragment> {
        let ours = local.ice.as_ref()?;
        let stands = self.stands.as_ref()?;
        stands.agreed.ice.as_ref().filter(|ice| ice.remote.trickle)?;
        let mid = stands.media.get(stands.place)?.mid().unwrap_or_default().to_owned();
        let media = TrickleMedia {
            line: "audio 9 RTP/AVP 0".into(),
            mid,
            candidates: ours.candidates.clone(),
            ended: ours.ended,
            ..TrickleMedia::default()
        };
        Some(TrickleFragment { ufrag: ours.ufrag.clone(), pwd: ours.pwd.clone(), media: vec![media] })
    }

    /// The candidates that a message inside the call brings for our audio, and whether they are the last. `None` when they
    /// are of another generation or of another medium.
    #[must_use]
    pub fn trickled<'a>(&self, fragment: &'a TrickleFragment) -> Option<(&'a [Candidate], bool)> {
        let stands = self.stands.as_ref()?;
        let mid = stands.media.get(stands.place)?.mid().unwrap_or_default();
        fragment.of(mid, stands.ufrag.as_ref()?)
    }

    fn before(&self) -> Before<'_> {
        let agreed = self.agreed();
        Before {
            security: agreed.map_or(&Security::Clear, |agreed| &agreed.security),
            controlling: agreed.and_then(|agreed| Some(agreed.ice.as_ref()?.controlling)),
        }
    }

    /// The audio stream of `offer` that is taken, with its place. `None` when the one that stood is gone.
    fn choose(
        &self,
        offer: &Description,
        local: &Local,
    ) -> Result<Option<(usize, Media, Negotiated)>, Mismatch> {
        let on = |media: &Media| media.is_audio() && media.is_on();
        let place = self.stands.as_ref().map(|stands| stands.place);
        let place = place.filter(|place| offer.media.get(*place).is_some_and(on));
        let wanted = |at: usize, media: &Media| on(media) && place.is_none_or(|place| place == at);
        let mut reason = Mismatch::NoAudio;
        let mut found = None;
        for (at, theirs) in offer.media.iter().enumerate().filter(|(at, media)| wanted(*at, media)) {
            let theirs = self.theirs.without_changed(&self.ours.without_changed(theirs));
            match negotiate::take(offer, &theirs, local, self.before()) {
                Ok((ours, agreed)) if agreed.security != Security::Clear => {
                    return Ok(Some((at, ours, agreed)));
                }
                Ok((ours, agreed)) => found = found.or(Some((at, ours, agreed))),
                Err(mismatch) if reason == Mismatch::NoAudio => reason = mismatch,
                Err(_) => {}
            }
        }
        match (found, reason) {
            (Some(found), _) => Ok(Some(found)),
            (None, Mismatch::NoAudio) if self.stands.is_some() => Ok(None),
            (None, reason) => Err(reason),
        }
    }

    /// Gives a description of ours its origin: the same as ever, and a new version only when something else is new
    /// (RFC 3264 §8).
    fn say(&mut self, mut description: Description) -> Description {
        if let Some(sent) = &self.sent {
            description.origin = sent.origin.clone();
            if description != *sent {
                description.bump_version();
            }
        }
        self.sent = Some(description.clone());
        description
    }

    fn stand(&mut self, ours: &Description, place: usize, agreed: &Negotiated, theirs: &Description) {
        self.pending = None;
        let media = theirs.media.get(place).map(|media| theirs.transport_of(media));
        let tls_id = media.and_then(|media| named(theirs, media));
        let ufrag = agreed.ice.as_ref().map(|ice| ice.remote.ufrag.clone());
        self.stands =
            Some(Stands { media: ours.media.clone(), place, ufrag, tls_id, agreed: agreed.clone() });
    }
}

/// What is left when the stream is gone.
fn removed(agreed: &Negotiated) -> Negotiated {
    Negotiated { direction: Direction::Inactive, ..agreed.clone() }
}

/// Our first offer: one audio stream with all our codecs, what goes with them, RTCP on the same port or another.
#[must_use]
pub fn offer(local: &Local) -> Description {
    Session::default().offer(local)
}

/// Answers a first `offer`; see [`Session::answer`].
///
/// # Errors
///
/// [`Mismatch`] says why nothing in the offer can be taken.
pub fn answer(offer: &Description, local: &Local) -> Result<(Description, Negotiated), Mismatch> {
    Session::default().answer(offer, local)
}

/// Reads the answer to our first `offer`; see [`Session::accept`].
///
/// # Errors
///
/// [`Mismatch`] says why the answer cannot be used.
pub fn accept(offer: &Description, answer: &Description, local: &Local) -> Result<Negotiated, Mismatch> {
    Session { pending: Some(offer.clone()), ..Session::default() }.accept(answer, local)
}

/// The direction to offer in order to hold a stream that flows like `direction`: nothing is received any more
/// (RFC 3264 §8.4).
#[must_use]
pub const fn held(direction: Direction) -> Direction {
    if direction.sends() { Direction::SendOnly } else { Direction::Inactive }
}
