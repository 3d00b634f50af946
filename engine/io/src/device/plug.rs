//! Cards that come and go while a call runs: when one is lost, the one that was asked for is opened again, else the
//! default. The ends of the call, and with them rings and playout, outlive every card: each card has them on loan.

use std::{
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use rove_base::Instant;

use super::{Capture, DeviceError, DeviceEvent, Render};

#[cfg(test)]
mod tests;

/// Opens cards. The sound system, or a test's.
pub(super) trait Cards {
    /// A card at work, until dropped.
    type Stream;

    /// Starts a microphone; `None` is the default. What it was lent comes home when the stream is dropped, or at once
    /// when it cannot be opened.
    fn listen(
        &mut self,
        name: Option<&str>,
        capture: Box<dyn Capture>,
        lost: Lost,
    ) -> Result<Self::Stream, DeviceError>;

    /// Starts a loudspeaker, likewise.
    fn speak(
        &mut self,
        name: Option<&str>,
        render: Box<dyn Render>,
        lost: Lost,
    ) -> Result<Self::Stream, DeviceError>;
}

/// Tells that a card is gone. One for each time that a card is opened.
pub(super) struct Lost {
    tell: Sender<Report>,
    direction: Direction,
    opening: u64,
}

impl Lost {
    pub(super) fn tell(&self, why: String) {
        // Nobody listens any more when the device is being stopped.
        let gone = Gone { direction: self.direction, opening: self.opening, why };
        let _ = self.tell.send(Report::Gone(gone));
    }
}

/// What comes to whoever holds the cards.
#[derive(Debug)]
pub(super) enum Report {
    /// A card is gone.
    Gone(Gone),
    /// The device is to be stopped. Sent by its owner alone.
    #[cfg(feature = "sound-card")]
    Stop,
}

#[derive(Debug)]
pub(super) struct Gone {
    direction: Direction,
    /// Which opening it speaks of: a card that is gone may say so late, and many times.
    opening: u64,
    why: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Direction {
    Input,
    Output,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// Both directions, each with its card or in search of one.
pub(super) struct Plugged<C: Cards> {
    cards: C,
    input: Side<C, dyn Capture>,
    output: Side<C, dyn Render>,
    tell: Sender<Report>,
}

struct Side<C: Cards, E: ?Sized> {
    direction: Direction,
    wanted: Option<String>,
    stream: Option<C::Stream>,
    opening: u64,
    /// Where a loan comes home.
    home: (Sender<Box<E>>, Receiver<Box<E>>),
    /// The end while no card has it.
    end: Option<Box<E>>,
    /// When to try again; `None` while a card is at work.
    retry: Option<Instant>,
    /// Why there is no card.
    why: Option<String>,
}

impl<C: Cards> Plugged<C> {
    /// Opens both directions. The reports of lost cards come out of the receiver; hand them to [`Plugged::lost`].
    pub(super) fn open(
        cards: C,
        names: [Option<String>; 2],
        capture: Box<dyn Capture>,
        render: Box<dyn Render>,
    ) -> Result<(Self, Receiver<Report>), DeviceError> {
        let (tell, reports) = mpsc::channel();
        let [heard, played] = names;
        let input = Side::new(Direction::Input, heard, capture);
        let output = Side::new(Direction::Output, played, render);
        let mut plugged = Self { cards, input, output, tell };
        let (input, output) = (plugged.input.wanted.clone(), plugged.output.wanted.clone());
        plugged.start_input(input.as_deref())?;
        plugged.start_output(output.as_deref())?;
        Ok((plugged, reports))
    }

    /// A card is gone: its stream ends, and another is looked for at once.
    pub(super) fn lost(&mut self, now: Instant, gone: Gone, tell: &mut impl FnMut(DeviceEvent)) {
        let Gone { direction, opening, why } = gone;
        let news = match direction {
            Direction::Input => self.input.lose(now, opening, &why),
            Direction::Output => self.output.lose(now, opening, &why),
        };
        if news {
            tell(DeviceEvent::Lost { direction: direction.name(), why });
            self.turn(now, tell);
        }
    }

    /// Tries what is due, and answers when to come back; `None` while both cards work.
    pub(super) fn turn(&mut self, now: Instant, tell: &mut impl FnMut(DeviceEvent)) -> Option<Instant> {
        if self.input.is_due(now) {
            let wanted = self.input.wanted.clone();
            let opened = self.start_input(wanted.as_deref()).or_else(|error| match wanted {
                Some(_) => self.start_input(None),
                None => Err(error),
            });
            self.input.settle(now, opened, tell);
        }
        if self.output.is_due(now) {
            let wanted = self.output.wanted.clone();
            let opened = self.start_output(wanted.as_deref()).or_else(|error| match wanted {
                Some(_) => self.start_output(None),
                None => Err(error),
            });
            self.output.settle(now, opened, tell);
        }
        Instant::earliest(self.input.retry, self.output.retry)
    }

    /// A way to send a report.
    #[cfg(feature = "sound-card")]
    pub(super) fn reporter(&self) -> Sender<Report> {
        self.tell.clone()
    }

    /// Why a direction has no card now, if one has none.
    pub(super) fn failure(&self) -> Option<&str> {
        self.input.why.as_deref().or(self.output.why.as_deref())
    }

    fn start_input(&mut self, name: Option<&str>) -> Result<Option<String>, DeviceError> {
        let Self { cards, input, tell, .. } = self;
        let (inner, lost) = input.lend(tell)?;
        let loan = Loan { end: Some(inner), home: input.home.0.clone() };
        input.stream = Some(cards.listen(name, Box::new(loan), lost)?);
        Ok(name.map(str::to_owned))
    }

    fn start_output(&mut self, name: Option<&str>) -> Result<Option<String>, DeviceError> {
        let Self { cards, output, tell, .. } = self;
        let (inner, lost) = output.lend(tell)?;
        let loan = Loan { end: Some(inner), home: output.home.0.clone() };
        output.stream = Some(cards.speak(name, Box::new(loan), lost)?);
        Ok(name.map(str::to_owned))
    }
}

impl<C: Cards, E: ?Sized> Side<C, E> {
    fn new(direction: Direction, wanted: Option<String>, end: Box<E>) -> Self {
        let home = mpsc::channel();
        Self { direction, wanted, stream: None, opening: 0, home, end: Some(end), retry: None, why: None }
    }

    /// The end for the next card, and its way to tell of a loss.
    fn lend(&mut self, tell: &Sender<Report>) -> Result<(Box<E>, Lost), DeviceError> {
        let end = self.end.take().or_else(|| self.home.1.try_recv().ok());
        let end = end.ok_or_else(|| DeviceError::Card("the lost card has not let go yet".into()))?;
        self.opening += 1;
        Ok((end, Lost { tell: tell.clone(), direction: self.direction, opening: self.opening }))
    }

    /// `false` for a report of a card that is no longer in use.
    fn lose(&mut self, now: Instant, opening: u64, why: &str) -> bool {
        if opening != self.opening || self.stream.is_none() {
            return false;
        }
        self.stream = None;
        (self.retry, self.why) = (Some(now), Some(why.to_owned()));
        true
    }

    fn is_due(&self, now: Instant) -> bool {
        self.retry.is_some_and(|retry| retry <= now)
    }

    fn settle(
        &mut self,
        now: Instant,
        opened: Result<Option<String>, DeviceError>,
        tell: &mut impl FnMut(DeviceEvent),
    ) {
        match opened {
            Ok(name) => {
                (self.retry, self.why) = (None, None);
                tell(DeviceEvent::Reopened { direction: self.direction.name(), name });
            }
            Err(error) => (self.retry, self.why) = (Some(now + RETRY), Some(error.to_string())),
        }
    }
}

/// An end in the hands of a card; dropped, it goes home.
struct Loan<E: ?Sized> {
    end: Option<Box<E>>,
    home: Sender<Box<E>>,
}

impl<E: ?Sized> Drop for Loan<E> {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = self.home.send(end);
        }
    }
}

impl Capture for Loan<dyn Capture> {
    fn capture(&mut self, now: Instant, pcm: &[f32]) {
        if let Some(end) = &mut self.end {
            end.capture(now, pcm);
        }
    }
}

impl Render for Loan<dyn Render> {
    fn render(&mut self, now: Instant, out: &mut [f32]) {
        match &mut self.end {
            Some(end) => end.render(now, out),
            None => out.fill(0.0),
        }
    }
}

/// How long to wait before looking again for a card.
const RETRY: Duration = Duration::from_millis(500);
