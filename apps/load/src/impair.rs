//! What `--impair` says: what becomes of the packets that come in, on a link that is made up in this program.

use rove_phone::netem::{GilbertElliott, Impairments, Jitter, Loss, Spread};

use crate::schedule::parse_time;

/// Understands `loss=2,burst=3,delay=40ms,jitter=10ms,duplicate=1`: shares in percent, `burst` as the mean length of a burst
/// of losses in packets, `jitter` as half of the range around `delay`, in which no packet overtakes another.
///
/// # Errors
///
/// A sentence that names what is not understood.
pub(crate) fn parse(text: &str) -> Result<Impairments, String> {
    let mut wanted = Impairments { in_order: true, ..Impairments::default() };
    let (mut loss, mut burst) = (0.0, None);
    for piece in text.split(',') {
        let (name, value) = piece.split_once('=').ok_or_else(|| format!("{piece} is not NAME=VALUE"))?;
        let time = || parse_time(value).map_err(|error| format!("{name}: {error}"));
        match name.trim() {
            "loss" => loss = share(name, value)?,
            "burst" => {
                let length = value.parse().ok().filter(|length: &f64| *length >= 1.0 && length.is_finite());
                burst = Some(length.ok_or_else(|| format!("burst={value}: give 1 or more packets"))?);
            }
            "delay" => wanted.delay = time()?,
            "jitter" => {
                wanted.jitter = Some(Jitter::independent(Spread::Uniform { half_width: time()? }));
            }
            "duplicate" => wanted.duplicate = share(name, value)?,
            other => {
                return Err(format!(
                    "{other} is not known; there are loss, burst, delay, jitter and duplicate"
                ));
            }
        }
    }
    wanted.loss = match burst {
        None => Loss::Independent(loss),
        Some(burst) => Loss::Bursts(GilbertElliott::bursts(loss, burst)),
    };
    Ok(wanted)
}

fn share(name: &str, value: &str) -> Result<f64, String> {
    let percent = value.trim_end_matches('%').parse().ok().filter(|percent| (0.0..100.0).contains(percent));
    percent
        .map(|percent: f64| percent / 100.0)
        .ok_or_else(|| format!("{name}={value}: give percent, 0 to 99"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_that_is_said_is_wanted_and_nothing_else() {
        let wanted = parse("loss=2,delay=40ms,jitter=10ms,duplicate=1%").unwrap();
        assert_eq!(wanted.loss, Loss::Independent(0.02));
        assert_eq!((wanted.delay, wanted.duplicate), (Duration::from_millis(40), 0.01));
        assert_eq!(wanted.jitter.unwrap().spread, Spread::Uniform { half_width: Duration::from_millis(10) });
        let Loss::Bursts(bursts) = parse("loss=2,burst=4").unwrap().loss else { panic!("in bursts") };
        assert!((bursts.loss() - 0.02).abs() < 1e-9 && (bursts.r - 0.25).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, named) in [
            ("loss", "loss is not NAME=VALUE"),
            ("los=2", "los is not known"),
            ("loss=200", "loss=200: give percent"),
            ("burst=0", "burst=0"),
            ("delay=soon", "delay"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
