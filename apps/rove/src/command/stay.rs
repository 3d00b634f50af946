//! A place in a network that is taken for a call: a terminal that is nowhere attaches by calling, and leaves after it.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use rove_phone::{
    PhoneConfig,
    roaming::{Access, Attachment, TerminalEvent, first_address},
};

use super::{
    GLANCE,
    attach::{Sim, read},
};
use crate::{cli::roaming::ForCall, failure::Failure, stop::Stop};

/// A stay that stands, in which a call may be made.
pub(super) struct Stay {
    attachment: Attachment,
    address: IpAddr,
    name: String,
    anonymous: bool,
}

impl Stay {
    /// Attaches for a call to `target`; `None` when that is not wanted.
    pub(super) fn begin(args: &ForCall, target: &str, stop: &Stop) -> Result<Option<Self>, Failure> {
        let (Some(at), Some(sim)) = (args.attach, &args.sim) else { return Ok(None) };
        let Sim { config, credential } = read(sim, false)?;
        let attachment = Attachment::start(config, credential, args.authority.clone())
            .map_err(|error| Failure::usage(error.to_string()))?;
        attachment
            .attach_for(Access { address: at, network: None }, target)
            .map_err(|error| Failure::usage(format!("{target}: {error}")))?;
        let (mut here, mut allowed) = (None, None);
        loop {
            if stop.wanted() {
                return Err(Failure::call("stopped before the call was allowed"));
            }
            match attachment.next_event(GLANCE) {
                Some(TerminalEvent::Attached { addresses, name, .. }) => {
                    here = first_address(&addresses).map(|address| (address, name.to_string()));
                }
                Some(TerminalEvent::CallAllowed { anonymous, .. }) => allowed = Some(anonymous),
                Some(TerminalEvent::Refused(reason)) => {
                    return Err(Failure::call(format!("the network refuses: {reason}")));
                }
                Some(TerminalEvent::CallRefused { reason, .. }) => {
                    leave(&attachment);
                    return Err(Failure::call(format!("the network refuses the call: {reason}")));
                }
                Some(TerminalEvent::Ended(reason)) => {
                    return Err(Failure::call(format!("the stay is over: {reason}")));
                }
                _ => {}
            }
            if let (Some((address, name)), Some(anonymous)) = (&here, allowed) {
                let (address, name) = (*address, name.clone());
                return Ok(Some(Self { attachment, address, name, anonymous }));
            }
        }
    }

    /// A phone that calls from here, as whom the home knows unless the caller says another; hidden where home or caller
    /// wants it.
    pub(super) fn place(&self, config: &mut PhoneConfig) {
        config.listen = vec![SocketAddr::new(self.address, 0)];
        if config.identity == PhoneConfig::default().identity {
            config.identity.clone_from(&self.name);
        }
        config.anonymous |= self.anonymous;
    }

    /// Leaves, and waits until the network has let go.
    pub(super) fn end(self) {
        leave(&self.attachment);
    }
}

fn leave(attachment: &Attachment) {
    attachment.detach();
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let over = |event| matches!(event, TerminalEvent::Detached | TerminalEvent::Ended(_));
        if attachment.next_event(GLANCE).is_some_and(over) {
            return;
        }
    }
}

/// For a farewell to be answered; without, the stay ends by itself.
const PATIENCE: Duration = Duration::from_secs(10);
