//! What the requests of S6a say (3GPP TS 29.272 §7.2).

use super::{
    avp::{AvpError, Avps, Writer},
    codes, private,
};
use crate::{
    CancelReason, E164, Generation, Imsi, NetworkName, Operation, Plmn, Profile, Resynchronisation, Services,
    Subscription, VisitedNetwork,
    private::{digits, map::Kind},
};

/// The command's code.
#[must_use]
pub const fn command(kind: Kind) -> u32 {
    match kind {
        Kind::SendAuthenticationInfo => codes::AUTHENTICATION_INFORMATION,
        Kind::UpdateLocation | Kind::Bind | Kind::RestoreData => codes::UPDATE_LOCATION,
        Kind::InsertSubscriberData => codes::INSERT_SUBSCRIBER_DATA,
        Kind::DeleteSubscriberData => codes::DELETE_SUBSCRIBER_DATA,
        Kind::CancelLocation => codes::CANCEL_LOCATION,
        Kind::PurgeMs => codes::PURGE_UE,
        Kind::Reset => codes::RESET,
    }
}

/// Whether a command is one of those that are answered here.
#[must_use]
pub const fn is_spoken(command: u32) -> bool {
    matches!(command, codes::UPDATE_LOCATION..=codes::RESET)
}

/// The node that asks: its network's code, and its number.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The code.
    pub plmn: Plmn,
    /// The number.
    pub title: E164,
}

/// Who a question is about.
#[must_use]
pub const fn subject(operation: &Operation) -> Option<Imsi> {
    match operation {
        Operation::SendAuthenticationInfo { imsi, .. }
        | Operation::UpdateLocation { imsi, .. }
        | Operation::InsertSubscriberData { imsi, .. }
        | Operation::DeleteSubscriberData { imsi, .. }
        | Operation::CancelLocation { imsi, .. }
        | Operation::PurgeMs { imsi, .. }
        | Operation::RestoreData { imsi } => Some(*imsi),
        Operation::Bind { claim, .. } => Some(claim.imsi),
        Operation::Reset { .. } => None,
    }
}

/// Writes what a question says, beside what every request does.
pub fn write(operation: &Operation, asker: Asker, out: &mut Writer<'_>) {
    if let Some(imsi) = subject(operation) {
        out.value(codes::USER_NAME, imsi.as_str().as_bytes());
    }
    match operation {
        Operation::SendAuthenticationInfo { visited, count, resynchronisation, eps, .. } => {
            let wanted =
                if eps.is_some() { codes::REQUESTED_EUTRAN_INFO } else { codes::REQUESTED_UTRAN_INFO };
            out.nest(wanted, |out| {
                out.number(codes::NUMBER_OF_REQUESTED_VECTORS, u32::from(*count));
                if let Some(Resynchronisation { rand, auts }) = resynchronisation {
                    out.value(codes::RE_SYNCHRONIZATION_INFO, &[&rand[..], auts].concat());
                }
            });
            out.value(codes::VISITED_PLMN_ID, &eps.unwrap_or(asker.plmn).to_octets());
            write_visited(visited, out);
        }
        Operation::UpdateLocation { visited, .. } => {
            location(asker, INITIAL_ATTACH, out);
            write_visited(visited, out);
        }
        Operation::RestoreData { .. } => {
            location(asker, 0, out);
            out.number(codes::RESTORE, 1);
        }
        Operation::Bind { claim, proof, lease } => {
            location(asker, SKIP_SUBSCRIBER_DATA, out);
            out.value(codes::NETWORK, claim.network.as_str().as_bytes());
            private::write_bind(claim, proof, *lease, out);
        }
        Operation::InsertSubscriberData { subscription, .. } => write_subscription(subscription, out),
        Operation::DeleteSubscriberData { services, .. } => {
            out.number(codes::DSR_FLAGS, if services.packet_data { ALL_PACKET_DATA } else { 0 });
            private::write_services(*services, out);
        }
        Operation::CancelLocation { reason, generation, .. } => {
            out.number(
                codes::CANCELLATION_TYPE,
                match reason {
                    CancelReason::UpdateProcedure => MME_UPDATE_PROCEDURE,
                    CancelReason::SubscriptionWithdrawn => SUBSCRIPTION_WITHDRAWAL,
                },
            );
            out.value(codes::GENERATION, &generation.0.to_be_bytes());
        }
        Operation::PurgeMs { visited, generation, .. } => {
            write_visited(visited, out);
            out.value(codes::GENERATION, &generation.0.to_be_bytes());
        }
        Operation::Reset { hlr } => out.value(codes::NODE, hlr.as_str().as_bytes()),
    }
}

/// Reads what a question says. `title` and `network` are those of the partner it comes from, where it does not say them
/// itself.
///
/// # Errors
///
/// [`AvpError`] says what is wrong with it.
pub fn read(command: u32, avps: Avps<'_>, title: E164, network: &NetworkName) -> Result<Operation, AvpError> {
    let node = avps.parse::<E164>(codes::NODE)?.unwrap_or(title);
    if command == codes::RESET {
        return Ok(Operation::Reset { hlr: node });
    }
    let imsi = avps.parse::<Imsi>(codes::USER_NAME)?.ok_or(AvpError::Missing(codes::USER_NAME))?;
    let network = avps.parse(codes::NETWORK)?.unwrap_or_else(|| network.clone());
    let generation = private::generation(avps)?;
    let visited = || VisitedNetwork { vlr: node, network: network.clone() };
    Ok(match command {
        codes::AUTHENTICATION_INFORMATION => {
            let (eps, wanted) = read_wanted(avps)?;
            let (count, resynchronisation) = read_vectors(wanted)?;
            Operation::SendAuthenticationInfo { imsi, visited: visited(), count, resynchronisation, eps }
        }
        codes::INSERT_SUBSCRIBER_DATA => {
            let subscription = read_subscription(avps)?;
            let missing = AvpError::Missing(codes::SUBSCRIPTION_DATA);
            Operation::InsertSubscriberData { imsi, subscription: subscription.ok_or(missing)? }
        }
        codes::DELETE_SUBSCRIBER_DATA => {
            let flags = avps.number(codes::DSR_FLAGS)?.unwrap_or_default();
            let packet_data = flags & (ALL_PACKET_DATA | COMPLETE_WITHDRAWAL) != 0;
            let told = Services { packet_data, ..Services::default() };
            let services = private::read_services(avps)?.unwrap_or(told);
            Operation::DeleteSubscriberData { imsi, services }
        }
        codes::CANCEL_LOCATION => {
            let missing = AvpError::Missing(codes::CANCELLATION_TYPE);
            let reason = match avps.number(codes::CANCELLATION_TYPE)?.ok_or(missing)? {
                SUBSCRIPTION_WITHDRAWAL => CancelReason::SubscriptionWithdrawn,
                _ => CancelReason::UpdateProcedure,
            };
            // Without a stay all of them are over.
            let generation = generation.unwrap_or(Generation(u64::MAX));
            Operation::CancelLocation { imsi, reason, generation }
        }
        codes::PURGE_UE => {
            Operation::PurgeMs { imsi, visited: visited(), generation: generation.unwrap_or_default() }
        }
        _ => match (avps.group(codes::BIND)?, avps.find(codes::RESTORE)?) {
            (Some(group), _) => {
                let (claim, proof, lease) = private::read_bind(avps, group, imsi, network)?;
                Operation::Bind { claim, proof, lease }
            }
            (None, Some(_)) => Operation::RestoreData { imsi },
            (None, None) => Operation::UpdateLocation { imsi, visited: visited() },
        },
    })
}

/// Vectors of EPS are good in one network: a partner is given those for its own alone.
///
/// # Errors
///
/// [`AvpError::Value`] of Visited-PLMN-Id when they are asked for another.
pub fn for_itself(operation: Operation, partner: Option<&Plmn>) -> Result<Operation, AvpError> {
    match &operation {
        Operation::SendAuthenticationInfo { eps: Some(plmn), .. } if Some(plmn) != partner => {
            Err(AvpError::Value(codes::VISITED_PLMN_ID))
        }
        _ => Ok(operation),
    }
}

/// Writes Subscription-Data.
pub(super) fn write_subscription(subscription: &Subscription, out: &mut Writer<'_>) {
    let Subscription { msisdn, name, profile: Profile { services, forwarding } } = subscription;
    out.nest(codes::SUBSCRIPTION_DATA, |out| {
        out.number(codes::SUBSCRIBER_STATUS, if services.packet_data { SERVICE_GRANTED } else { BARRED });
        if let Some(msisdn) = msisdn {
            // §7.3.2 with 3GPP TS 29.329: digits alone, without a type in front.
            let mut octets = digits::Octets::new();
            digits::pack(msisdn.as_str(), FILLER, &mut octets);
            out.value(codes::MSISDN, &octets);
        }
        out.number(codes::NETWORK_ACCESS_MODE, if services.packet_data { ONLY_PACKET } else { BOTH });
        if let Some(name) = name {
            out.value(codes::HOST_NAME, name.as_str().as_bytes());
        }
        private::write_services(*services, out);
        private::write_forwarding(forwarding, out);
    });
}

/// Reads it, where it is there.
pub(super) fn read_subscription(avps: Avps<'_>) -> Result<Option<Subscription>, AvpError> {
    let Some(data) = avps.group(codes::SUBSCRIPTION_DATA)? else { return Ok(None) };
    let number = |octets: &[u8]| {
        let digits = digits::unpack(octets, usize::MAX).and_then(|digits| digits.parse().ok());
        digits.ok_or(AvpError::Value(codes::MSISDN))
    };
    let msisdn = data.find(codes::MSISDN)?.map(number).transpose()?;
    let packet_data = data.number(codes::SUBSCRIBER_STATUS)?.is_none_or(|status| status == SERVICE_GRANTED);
    let told = Services { roaming: true, packet_data, ..Services::default() };
    let services = private::read_services(data)?.unwrap_or(told);
    let forwarding = private::read_forwarding(data)?;
    let (name, profile) = (data.parse(codes::HOST_NAME)?, Profile { services, forwarding });
    Ok(Some(Subscription { msisdn, name, profile }))
}

fn write_visited(visited: &VisitedNetwork, out: &mut Writer<'_>) {
    out.value(codes::NETWORK, visited.network.as_str().as_bytes());
    out.value(codes::NODE, visited.vlr.as_str().as_bytes());
}

/// What every update of a location says.
fn location(asker: Asker, flags: u32, out: &mut Writer<'_>) {
    out.number(codes::RAT_TYPE, VIRTUAL);
    out.number(codes::ULR_FLAGS, ASKED_BY_SGSN_OR_MME | flags);
    out.value(codes::VISITED_PLMN_ID, &asker.plmn.to_octets());
}

/// Which vectors are asked for: those of EPS, where they are, and for the network of which code.
fn read_wanted(avps: Avps<'_>) -> Result<(Option<Plmn>, Avps<'_>), AvpError> {
    if let Some(group) = avps.group(codes::REQUESTED_EUTRAN_INFO)? {
        let plmn = Plmn::from_octets(avps.fixed(codes::VISITED_PLMN_ID)?);
        return Ok((Some(plmn.ok_or(AvpError::Value(codes::VISITED_PLMN_ID))?), group));
    }
    let group = avps.group(codes::REQUESTED_UTRAN_INFO)?;
    Ok((None, group.ok_or(AvpError::Missing(codes::REQUESTED_UTRAN_INFO))?))
}

fn read_vectors(group: Avps<'_>) -> Result<(u8, Option<Resynchronisation>), AvpError> {
    let wrong = AvpError::Value(codes::NUMBER_OF_REQUESTED_VECTORS);
    let count = group.number(codes::NUMBER_OF_REQUESTED_VECTORS)?.unwrap_or(1);
    let count = u8::try_from(count).ok().filter(|count| (1..=5).contains(count)).ok_or(wrong)?;
    let wrong = AvpError::Value(codes::RE_SYNCHRONIZATION_INFO);
    let resynchronisation = match group.find(codes::RE_SYNCHRONIZATION_INFO)? {
        None => None,
        Some(both) => {
            let (rand, auts) = both.split_first_chunk().ok_or(wrong)?;
            Some(Resynchronisation { rand: *rand, auts: auts.try_into().map_err(|_| wrong)? })
        }
    };
    Ok((count, resynchronisation))
}

/// Where the digits end in the middle of an octet.
const FILLER: u8 = 0x0f;
/// RAT-Type (3GPP TS 29.212 §5.3.31): no radio that is known.
const VIRTUAL: u32 = 1;
/// ULR-Flags (§7.3.7): S6a/S6d-Indicator.
const ASKED_BY_SGSN_OR_MME: u32 = 1 << 1;
const SKIP_SUBSCRIBER_DATA: u32 = 1 << 2;
const INITIAL_ATTACH: u32 = 1 << 5;
/// DSR-Flags (§7.3.25).
const COMPLETE_WITHDRAWAL: u32 = 1 << 1;
const ALL_PACKET_DATA: u32 = 1 << 3;
/// Cancellation-Type (§7.3.24).
const MME_UPDATE_PROCEDURE: u32 = 0;
const SUBSCRIPTION_WITHDRAWAL: u32 = 2;
/// Subscriber-Status (§7.3.29).
const SERVICE_GRANTED: u32 = 0;
const BARRED: u32 = 1;
/// Network-Access-Mode (§7.3.21).
const BOTH: u32 = 0;
const ONLY_PACKET: u32 = 2;
