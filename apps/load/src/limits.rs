//! What a plan takes of this machine, added up before it begins: a run that cannot be is refused with its sum.

use core::fmt;

use rove_base::CodecId;

use crate::{
    failure::Failure,
    mill::{FEW, MOST},
};

/// What this machine has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Machine {
    /// Descriptors that this program may open.
    pub(crate) descriptors: u64,
    /// UDP ports that the system hands out by itself.
    pub(crate) ports: u64,
    /// Processors that this program may use.
    pub(crate) cores: f64,
}

/// What a plan wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Need {
    /// Calls that stand at once.
    pub(crate) calls: f64,
    /// Calls that begin in a second, at most.
    pub(crate) rate: f64,
    /// With media, in which codec.
    pub(crate) codec: Option<CodecId>,
}

/// The sum, for a person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sum {
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    what: &'static str,
    how: String,
    needed: f64,
    there: f64,
}

impl Machine {
    /// Looks at the machine it runs on. The limit of descriptors is lifted as far as this user may.
    pub(crate) fn here() -> Self {
        let descriptors = rove_io::net::lift_descriptors();
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
        let mut ends = range.split_whitespace().filter_map(|end| end.parse::<u64>().ok());
        let ports = match (ends.next(), ends.next()) {
            (Some(first), Some(last)) if last >= first => last - first + 1,
            // Where nobody says, the range of RFC 6335.
            _ => 16_384,
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        #[expect(clippy::cast_precision_loss, reason = "no machine has so many")]
        let cores = cores as f64;
        Self { descriptors, ports, cores }
    }

    /// The most calls that descriptors and ports allow.
    pub(crate) fn most_calls(&self) -> usize {
        let by_descriptors = self.descriptors.saturating_sub(OWN_DESCRIPTORS) / SOCKETS;
        let pairs = usize::try_from(by_descriptors.min(self.ports / SOCKETS)).unwrap_or(usize::MAX);
        pairs.saturating_mul(MOST)
    }

    /// Adds up what `need` takes.
    #[expect(clippy::cast_precision_loss, reason = "limits of a system stay far below 2⁵³")]
    pub(crate) fn sum(&self, need: &Need) -> Sum {
        let Need { calls, rate, codec } = *need;
        let mut rows = Vec::new();
        if let Some(codec) = codec {
            // As many as share a port at least: calls to somebody who answers all of them from one port take a pair each.
            let (sockets, most) = (SOCKETS as f64, MOST as f64);
            let pairs = (calls / most).ceil().max(calls.min(FEW as f64));
            rows.push(Row {
                what: "descriptors",
                how: format!(
                    "{pairs} pairs of ports for {calls} calls at once x {SOCKETS} sockets + {OWN_DESCRIPTORS}"
                ),
                needed: pairs * sockets + OWN_DESCRIPTORS as f64,
                there: self.descriptors as f64,
            });
            rows.push(Row {
                what: "UDP ports",
                how: format!("{pairs} pairs for {calls} calls at once x {SOCKETS}"),
                needed: pairs * sockets,
                there: self.ports as f64,
            });
            let each = media_cost(codec);
            rows.push(Row {
                what: "cores",
                how: format!("{calls} calls at once x {each} us a second ({codec}) + {rate} calls/s x {SIGNALLING_US} us"),
                needed: (calls * each + rate * SIGNALLING_US) / 1e6,
                there: self.cores,
            });
        } else {
            rows.push(Row {
                what: "cores",
                how: format!("{rate} calls/s x {SIGNALLING_US} us"),
                needed: rate * SIGNALLING_US / 1e6,
                there: self.cores,
            });
        }
        Sum { rows }
    }
}

impl Sum {
    /// Whether the machine can do it.
    pub(crate) fn fits(&self) -> bool {
        self.rows.iter().all(|row| row.needed <= row.there)
    }

    /// Refuses what does not fit.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the sum.
    pub(crate) fn refuse(&self) -> Result<(), Failure> {
        if self.fits() {
            return Ok(());
        }
        Err(Failure::fatal(format!(
            "this machine cannot run the plan:\n{self}lower --rate, --hold or --most, raise the limit \
             (ulimit -n, net.ipv4.ip_local_port_range), or run it all the same with --force"
        )))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { what, how, needed, there } in &self.rows {
            let word = if needed <= there { "fits" } else { "TOO MUCH" };
            writeln!(f, "  {what}: {how} = {needed:.2}, of {there:.0} there: {word}")?;
        }
        Ok(())
    }
}

/// Processor time that one second of one call takes at one end, media both ways and its share of the system, in µs. Measured
/// with both ends on one virtual machine of two cores: 614 for 2 000 calls in PCMU, 2 100 and 5 300 for 200 in G.722 and Opus.
/// Few calls in PCMU take more each, about 1 000 where there are 200; so what is refused by this sum is surely too much.
const fn media_cost(codec: CodecId) -> f64 {
    match codec {
        CodecId::Pcmu | CodecId::Pcma | CodecId::L16 => 600.0,
        CodecId::G722 => 2_100.0,
        // What is not known is counted as the dearest.
        _ => 5_300.0,
    }
}

/// One for RTP, one for RTCP.
const SOCKETS: u64 = 2;
/// SIP, names, files, the runtime, and a few to spare.
const OWN_DESCRIPTORS: u64 = 64;
/// One call set up and ended without media, in µs; measured likewise, at 200 calls a second.
const SIGNALLING_US: f64 = 300.0;

#[cfg(test)]
mod tests;
