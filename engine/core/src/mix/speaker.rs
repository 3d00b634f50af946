//! Who has the floor: the active speaker of a conference.

/// Tells the active speaker from everybody's loudness.
///
/// Whoever is loud takes an empty floor at once. Whoever has it keeps it through pauses and short words of others: another
/// takes over after being louder by [`MARGIN_DB`] for [`TAKE_OVER_MS`] without a break, or as soon as the one who has it is
/// silent. After [`EMPTY_MS`] in which nobody says anything nobody has the floor.
#[derive(Clone, Debug, Default)]
pub struct Speaker {
    active: Option<usize>,
    /// Who is louder than the active one, and for how long, in ms.
    rival: Option<(usize, u32)>,
    /// For how long nobody has said anything, in ms.
    silent_ms: u32,
}

impl Speaker {
    /// Nobody has the floor.
    #[must_use]
    pub const fn new() -> Self {
        Self { active: None, rival: None, silent_ms: 0 }
    }

    /// Who has the floor.
    #[must_use]
    pub const fn active(&self) -> Option<usize> {
        self.active
    }

    /// Takes in how loud each party was in the last `ms`, averaged, in dBov; whoever is not there, or muted, is left out.
    /// `true` when the floor has passed on.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the parties.
    pub fn hear(&mut self, ms: u32, levels: impl Iterator<Item = (usize, f32)>) -> bool {
        let before = self.active;
        let (mut loudest, mut own) = (None::<(usize, f32)>, None);
        for (party, level) in levels.filter(|(_, level)| *level > SILENCE_DBOV) {
            if self.active == Some(party) {
                own = Some(level);
            }
            if loudest.is_none_or(|(_, most)| level > most) {
                loudest = Some((party, level));
            }
        }
        match (loudest, own) {
            (None, _) => {
                self.rival = None;
                self.silent_ms = self.silent_ms.saturating_add(ms);
                if self.silent_ms >= EMPTY_MS {
                    self.active = None;
                }
            }
            (Some((party, _)), None) => self.give(party),
            (Some((party, level)), Some(own)) if level > own + MARGIN_DB => {
                let so_far = self.rival.filter(|(rival, _)| *rival == party).map_or(0, |(_, ms)| ms);
                let so_far = so_far.saturating_add(ms);
                self.rival = Some((party, so_far));
                self.silent_ms = 0;
                if so_far >= TAKE_OVER_MS {
                    self.give(party);
                }
            }
            (Some(_), Some(_)) => (self.rival, self.silent_ms) = (None, 0),
        }
        self.active != before
    }

    fn give(&mut self, party: usize) {
        (self.active, self.rival, self.silent_ms) = (Some(party), None, 0);
    }
}

/// Below is silence, or the noise of a room.
pub const SILENCE_DBOV: f32 = -50.0;
/// How much louder whoever takes over must be.
pub const MARGIN_DB: f32 = 6.0;
/// And for how long.
pub const TAKE_OVER_MS: u32 = 300;
/// After so much silence nobody has the floor.
pub const EMPTY_MS: u32 = 2_000;
