//! What a subscriber may do, and what is done for calls to it.

use crate::{E164, HostName};

/// The services a home grants (one bit each on the private networks' extension).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Services {
    /// May be served by other networks at all.
    pub roaming: bool,
    /// May have an address.
    pub packet_data: bool,
    /// Sees who calls.
    pub caller_id: bool,
    /// Is not shown to those it calls (CLIR, 3GPP TS 23.081).
    pub caller_id_restricted: bool,
    /// May hold three parties in a call.
    pub three_way: bool,
}

/// Where calls go instead (3GPP TS 23.082): a URI, host name or number each.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Forwarding {
    /// All of them; executed by the home's `[sip]` role.
    pub always: Option<String>,
    /// While there is one already; executed by the terminal.
    pub busy: Option<String>,
    /// After nobody answered for as many seconds; executed by the terminal.
    pub no_answer: Option<(String, u16)>,
}

/// A subscriber's profile: what the home sends to where the subscriber is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    /// What is granted.
    pub services: Services,
    /// What happens to calls.
    pub forwarding: Forwarding,
}

/// What a home tells a visited network of one subscriber.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subscription {
    /// Its number, when it has one.
    pub msisdn: Option<E164>,
    /// Its name, when the home gives it away; it wins over what the terminal says.
    pub name: Option<HostName>,
    /// The rest.
    pub profile: Profile,
}
