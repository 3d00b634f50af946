//! One place where somebody can be reached.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::net::SocketAddr;

use rove_base::{Instant, Transport};

use crate::{
    message::{NameAddr, Params, Uri},
    transport::Hop,
};

/// A contact bound to an address of record (RFC 3261 §10.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Where, as it was registered: with all its parameters and headers.
    pub contact: Uri,
    /// Parameters of the Contact header that are not about the binding itself.
    pub params: Params,
    /// Preference in thousandths, 0 to 1000 (RFC 3261 §20.10).
    pub q: u16,
    /// Until when.
    pub until: Instant,
    /// Of the REGISTER that made it.
    pub call_id: String,
    /// Of the REGISTER that made it.
    pub cseq: u32,
    /// Routes on the way there, next hop first (RFC 3327).
    pub path: Vec<NameAddr>,
    /// Which device, and over which of its flows.
    pub instance: Option<Instance>,
    /// The flow it was registered over, when requests have to take that (RFC 5626 §5.3), or when nothing else would
    /// reach it.
    pub flow: Option<Hop>,
}

/// Which device a binding is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// The URN in `+sip.instance` (RFC 5626 §4.1).
    pub urn: String,
    /// Which of its flows; `None` outside RFC 5626.
    pub reg_id: Option<u32>,
}

impl Binding {
    /// Whether a registration of `contact` by `instance` is about this binding: by instance and flow where both have
    /// them (RFC 5626 §6), else by the contact (RFC 3261 §10.3 step 7).
    #[must_use]
    pub fn is_for(&self, contact: &Uri, instance: Option<&Instance>) -> bool {
        match (&self.instance, instance) {
            (Some(ours), Some(theirs)) if ours.reg_id.is_some() && theirs.reg_id.is_some() => ours == theirs,
            _ => self.contact.equivalent(contact),
        }
    }

    /// Where it can be reached by anybody: over no stream that only we have, by no path, at an address. `None` when there
    /// is no such way.
    #[must_use]
    pub fn place(&self) -> Option<(Transport, SocketAddr)> {
        match self.flow {
            _ if !self.path.is_empty() => None,
            Some(Hop { transport: Transport::Udp, remote, .. }) => Some((Transport::Udp, remote)),
            Some(_) => None,
            None => {
                let sip = self.contact.as_sip()?;
                let transport = sip.transport().unwrap_or(Transport::Udp);
                let known = [Transport::Udp, Transport::Tcp, Transport::Tls].contains(&transport);
                let port = sip.port.unwrap_or(if transport == Transport::Tls { 5_061 } else { 5_060 });
                known.then_some((transport, SocketAddr::new(sip.host.ip()?, port)))
            }
        }
    }

    /// How much it takes: its texts, and about what holds them.
    pub(super) fn bytes(&self) -> usize {
        let written = |item: &dyn fmt::Display| {
            let mut count = Count(0);
            // Counting never fails.
            let _ = fmt::Write::write_fmt(&mut count, format_args!("{item}"));
            count.0
        };
        let path = self.path.iter().map(|route| written(route).saturating_mul(2).saturating_add(256));
        let urn = self.instance.as_ref().map_or(0, |instance| instance.urn.len());
        let params =
            self.params.iter().map(|(name, value)| name.len().saturating_add(value.map_or(0, str::len)));
        let parts = [written(&self.contact).saturating_mul(2), self.call_id.len(), urn, BYTES];
        path.chain(parts).chain(params).fold(0, usize::saturating_add)
    }

    /// Whether this one says what `earlier` said, but for when and over which flow: the same request once more.
    pub(super) fn repeats(&self, earlier: &Self) -> bool {
        *self == Self { until: self.until, flow: self.flow, ..earlier.clone() }
    }
}

/// Counts what is written.
struct Count(usize);

impl fmt::Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

/// A binding without its texts, its place in the maps, and its address of record.
const BYTES: usize = 768;
