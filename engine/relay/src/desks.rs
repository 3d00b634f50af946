//! One relay at several desks, which share its ports: each reads its own share of what comes in there, and what one client
//! sends always comes to the same one.

/// Which of how many.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Desk {
    index: u8,
    count: u8,
}

impl Desk {
    /// The first has index 0. `None`: among so many there is no such desk.
    #[must_use]
    pub const fn new(index: u8, count: u8) -> Option<Self> {
        if index < count { Some(Self { index, count }) } else { None }
    }

    pub(crate) const fn index(self) -> u8 {
        self.index
    }

    pub(crate) const fn count(self) -> u8 {
        self.count
    }

    pub(crate) const fn is_alone(self) -> bool {
        self.count == 1
    }
}
