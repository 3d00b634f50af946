//! The sound devices of this machine, as lines for a person, and how loud they are in a call.

/// How loud a call is, lately. `None`: nothing was said or heard yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoundLevels {
    /// What this side says, in dBov: 0 is as loud as can be, -127 is silence.
    pub said: Option<f32>,
    /// What it hears.
    pub heard: Option<f32>,
}

/// One line for each sound card; without the feature `sound-card` one line that says so.
///
/// # Errors
///
/// What the system's sound service says.
#[cfg(feature = "sound-card")]
pub fn sound_devices() -> Result<Vec<String>, String> {
    let cards = rove_io::device::cards().map_err(|error| error.to_string())?;
    Ok(cards
        .into_iter()
        .map(|card| {
            let role = |has, preferred, name| match (has, preferred) {
                (false, _) => String::new(),
                (true, false) => format!(" {name}"),
                (true, true) => format!(" {name} (default)"),
            };
            let input = role(card.input, card.default_input, "input");
            format!("sound   {}:{input}{}", card.name, role(card.output, card.default_output, "output"))
        })
        .collect())
}

/// One line for each sound card; without the feature `sound-card` one line that says so.
///
/// # Errors
///
/// What the system's sound service says.
#[cfg(not(feature = "sound-card"))]
pub fn sound_devices() -> Result<Vec<String>, String> {
    Ok(vec!["sound cards are not built in: build with --features sound-card".into()])
}
