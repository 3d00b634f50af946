//! Randomness from the operating system.

use std::io;

use rove_base::Entropy;

/// A source seeded by the operating system, fit for keys, tags and everything that faces a real network.
///
/// # Errors
///
/// When the operating system has no randomness to give (an early boot, or a filter that forbids the call).
pub fn os_entropy() -> io::Result<Entropy> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(Entropy::from_seed(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sources_draw_different_numbers() {
        assert_ne!(os_entropy().unwrap().next_u64(), os_entropy().unwrap().next_u64());
    }
}
