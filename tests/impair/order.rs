//! What this program is told, each a line of JSON.

use std::time::Duration;

use rove_phone::netem::{GilbertElliott, Impairments, Jitter, Loss, Spread};
use serde_json::Value;

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// `{"wire":0,"way":"there","loss":0.2,…}`: from now on these ways of this wire are like that, and like nothing else.
    Set { wire: usize, there: bool, back: bool, bad: Box<Bad> },
    /// `{"mark":true}`: what is counted begins now.
    Mark,
    /// `{"tell":true}`: what was counted is printed.
    Tell,
}

/// What one way of a wire does to datagrams.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bad {
    /// `delay_ms`, `jitter_ms` (anything up to that more, each for itself), `loss` (0 to 1), `burst` (mean, in datagrams).
    pub(crate) link: Impairments,
    /// The share of bits that arrive changed, of what UDP carries.
    pub(crate) bit_errors: f64,
    /// Nothing passes.
    pub(crate) cut: bool,
}

impl Order {
    pub(crate) fn read(line: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let keys = value.as_object().ok_or_else(|| format!("{line}: no object"))?;
        let known = ["wire", "way", "delay_ms", "jitter_ms", "loss", "burst", "bit_errors", "cut"];
        match keys.keys().map(String::as_str).collect::<Vec<_>>()[..] {
            ["mark"] => return Ok(Self::Mark),
            ["tell"] => return Ok(Self::Tell),
            _ => {}
        }
        if let Some(unknown) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("{line}: {unknown} is not one of mark, tell, {}", known.join(", ")));
        }
        let wire = value["wire"].as_u64().ok_or_else(|| format!("{line}: which wire?"))? as usize;
        let (there, back) = match value["way"].as_str() {
            Some("there") => (true, false),
            Some("back") => (false, true),
            None | Some("both") => (true, true),
            Some(other) => return Err(format!("{line}: way {other} is not one of there, back, both")),
        };
        let number = |key: &str| value[key].as_f64().unwrap_or(0.0).max(0.0);
        let bad = Bad {
            link: link(number("delay_ms"), number("jitter_ms"), number("loss"), number("burst")),
            bit_errors: number("bit_errors"),
            cut: value["cut"].as_bool().unwrap_or(false),
        };
        Ok(Self::Set { wire, there, back, bad: Box::new(bad) })
    }
}

fn link(delay: f64, jitter: f64, loss: f64, burst: f64) -> Impairments {
    let ms = |ms: f64| Duration::from_secs_f64(ms / 1_000.0);
    let loss = match loss {
        0.0 => Loss::None,
        _ if burst > 1.0 => Loss::Bursts(GilbertElliott::bursts(loss, burst)),
        _ => Loss::Independent(loss),
    };
    let jitter = (jitter > 0.0).then(|| ms(jitter / 2.0));
    let link = Impairments::delay(ms(delay) + jitter.unwrap_or_default()).with_loss(loss);
    match jitter {
        Some(half_width) => link.with_jitter(Jitter::independent(Spread::Uniform { half_width })),
        None => link,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_says_what_a_way_is_like_and_what_it_does_not_say_is_not() {
        let ms = Duration::from_millis;
        let order = r#"{"wire":1,"way":"back","delay_ms":30,"jitter_ms":40,"loss":0.2,"bit_errors":1e-4}"#;
        let Ok(Order::Set { wire: 1, there: false, back: true, bad }) = Order::read(order) else {
            panic!("{order}")
        };
        let jitter = Jitter::independent(Spread::Uniform { half_width: ms(20) });
        let link = Impairments::delay(ms(50)).with_jitter(jitter).with_loss(Loss::Independent(0.2));
        assert_eq!(*bad, Bad { link, bit_errors: 1e-4, cut: false });
        let Ok(Order::Set { there: true, back: true, bad, .. }) = Order::read(r#"{"wire":0}"#) else {
            panic!("both")
        };
        assert_eq!(*bad, Bad::default());
        assert_eq!(Order::read(r#"{"mark":true}"#), Ok(Order::Mark));
    }

    #[test]
    fn what_is_no_order_is_refused_by_name() {
        for wrong in ["", "7", r#"{"loss":0.2}"#, r#"{"wire":0,"los":0.2}"#, r#"{"wire":0,"way":"up"}"#] {
            assert!(Order::read(wrong).is_err(), "{wrong}");
        }
    }
}
