//! What a user may turn while a call runs, and the needles that show what comes of it.

use core::time::Duration;

use rove_core::playout::PlayoutConfig;

/// What the input callback looks at before each block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputKnobs {
    /// Linear factor on what is captured; 1 unless said.
    pub gain: f32,
    /// Sends silence instead.
    pub muted: bool,
}

/// What the output callback looks at before each block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputKnobs {
    /// Linear factor on what is played; 1 unless said.
    pub gain: f32,
    /// Plays silence instead; packets are taken in and counted all the same.
    pub muted: bool,
    /// How long a packet waits before it is played.
    pub target: Duration,
}

/// How loud a callback's last samples were, with the ballistics of [`rove_core::mix::Level`]. `None` before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels {
    /// In dBFS.
    pub peak: Option<f32>,
    /// In dBov.
    pub rms: Option<f32>,
}

impl Default for InputKnobs {
    fn default() -> Self {
        Self { gain: 1.0, muted: false }
    }
}

impl Default for OutputKnobs {
    fn default() -> Self {
        Self { gain: 1.0, muted: false, target: PlayoutConfig::default().target }
    }
}
