//! A subscriber's data (3GPP TS 29.002 §17.7.1, InsertSubscriberDataArg): in the standard's fields for those who know no
//! others, and in the extension, which wins, for what they cannot say.

use super::{
    argument::{read_imsi, read_isdn},
    asn1::{
        self, Any, DeleteSubscriberDataArg, ExtForwFeature, ExtForwInfo, ExtSsData, ExtSsInfo,
        InsertSubscriberDataArg, Octets, OdbData, Rest,
    },
    extension::Extension,
};
use crate::{
    Forwarding, Imsi, Profile, Services, Subscription,
    private::{
        ber::{BerError, Tag, Writer},
        digits,
    },
};

/// Writes InsertSubscriberDataArg.
pub(super) fn write(imsi: Option<&Imsi>, subscription: &Subscription, out: &mut Writer<'_>) {
    let Subscription { msisdn, name, profile } = subscription;
    let Profile { services, forwarding } = profile;
    let extension = Extension {
        name: name.clone(),
        services: Some(*services),
        forwarding: beyond_numbers(forwarding),
        ..Extension::default()
    };
    let barred = OdbData { odb_general_data: ALL_PACKET_SERVICES_BARRED.into_iter().collect(), rest: Rest };
    let argument = InsertSubscriberDataArg {
        imsi: imsi.map(|imsi| Octets::new(digits::imsi(imsi))),
        msisdn: msisdn.as_ref().map(|number| Octets::new(digits::isdn(number))),
        subscriber_status: Some(if services.packet_data { SERVICE_GRANTED } else { BARRING }),
        provisioned_ss: supplementary(*services, forwarding),
        odb_data: Some(barred).filter(|_| !services.packet_data),
        extension_container: extension.container(),
        ..InsertSubscriberDataArg::default()
    };
    asn1::write(&argument, out);
}

/// Reads InsertSubscriberDataArg; whose it is may be left to the dialogue.
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub(super) fn read(argument: InsertSubscriberDataArg) -> Result<(Option<Imsi>, Subscription), BerError> {
    let imsi = argument.imsi.map(|imsi| read_imsi(Tag::context(0), &imsi)).transpose()?;
    let msisdn = argument.msisdn.map(|number| read_isdn(Tag::context(1), &number)).transpose()?;
    let mut services = Services { roaming: true, packet_data: true, ..Services::default() };
    let mut forwarding = Forwarding::default();
    for info in argument.provisioned_ss.unwrap_or_default() {
        read_supplementary(info, &mut services, &mut forwarding)?;
    }
    if let Some(OdbData { odb_general_data: bits, .. }) = argument.odb_data {
        services.packet_data = !bits.get(PACKET_SERVICES_BARRED).is_some_and(|bit| *bit);
    }
    if argument.roaming_restriction_due_to_unsupported_feature.is_some() {
        services.roaming = false;
    }
    let extension = Extension::read(argument.extension_container)?;
    if let Some(Forwarding { always, busy, no_answer }) = extension.forwarding {
        forwarding.always = always.or(forwarding.always);
        forwarding.busy = busy.or(forwarding.busy);
        forwarding.no_answer = no_answer.or(forwarding.no_answer);
    }
    let services = extension.services.unwrap_or(services);
    Ok((imsi, Subscription { msisdn, name: extension.name, profile: Profile { services, forwarding } }))
}

/// Writes DeleteSubscriberDataArg.
pub(super) fn write_withdrawal(imsi: &Imsi, services: Services, out: &mut Writer<'_>) {
    let codes: Vec<_> = supplementary_codes(services).map(|code| Octets::new([code])).collect();
    let argument = DeleteSubscriberDataArg {
        imsi: Some(Octets::new(digits::imsi(imsi))),
        ss_list: Some(codes).filter(|codes| !codes.is_empty()),
        extension_container: Extension { services: Some(services), ..Extension::default() }.container(),
        gprs_subscription_data_withdraw: services.packet_data.then(|| Any::new(ALL_GPRS_DATA.to_vec())),
        ..DeleteSubscriberDataArg::default()
    };
    asn1::write(&argument, out);
}

/// Reads DeleteSubscriberDataArg.
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub(super) fn read_withdrawal(argument: DeleteSubscriberDataArg) -> Result<(Imsi, Services), BerError> {
    let imsi = argument.imsi.ok_or(BerError::Missing(Tag::context(0)))?;
    let imsi = read_imsi(Tag::context(0), &imsi)?;
    let mut services = Services::default();
    for code in argument.ss_list.unwrap_or_default() {
        grant(&code.0, &mut services);
    }
    let extension = Extension::read(argument.extension_container)?;
    services.packet_data = argument.gprs_subscription_data_withdraw.is_some();
    Ok((imsi, extension.services.unwrap_or(services)))
}

/// Ext-SS-InfoList: the services that have codes, and forwarding to numbers.
fn supplementary(services: Services, forwarding: &Forwarding) -> Option<Vec<ExtSsInfo>> {
    let numbers = numbers(forwarding).into_iter().flatten();
    let numbers = numbers.filter_map(|(code, number, seconds)| feature(code, number, seconds));
    let data = supplementary_codes(services).map(|code| {
        let (ss_code, ss_status) = (Octets::new([code]), Octets::new([ACTIVE_AND_PROVISIONED]));
        ExtSsInfo::SsData(ExtSsData { ss_code, ss_status, rest: Rest })
    });
    Some(numbers.chain(data).collect::<Vec<_>>()).filter(|list| !list.is_empty())
}

/// Ext-ForwInfo with one feature.
fn feature(code: u8, number: &str, seconds: Option<u16>) -> Option<ExtSsInfo> {
    let feature = ExtForwFeature {
        ss_status: Octets::new([ACTIVE_AND_PROVISIONED]),
        forwarded_to_number: Some(Octets::new(digits::isdn(&number.parse().ok()?))),
        no_reply_condition_time: seconds.map(u64::from),
        ..ExtForwFeature::default()
    };
    let (ss_code, forwarding_feature_list) = (Octets::new([code]), vec![feature]);
    Some(ExtSsInfo::ForwardingInfo(ExtForwInfo { ss_code, forwarding_feature_list, rest: Rest }))
}

fn read_supplementary(
    info: ExtSsInfo,
    services: &mut Services,
    forwarding: &mut Forwarding,
) -> Result<(), BerError> {
    match info {
        ExtSsInfo::ForwardingInfo(ExtForwInfo { ss_code, forwarding_feature_list, .. }) => {
            for feature in &forwarding_feature_list {
                read_feature(&ss_code.0, feature, forwarding)?;
            }
        }
        ExtSsInfo::SsData(ExtSsData { ss_code, ss_status, .. }) => {
            if is_provisioned(&ss_status) {
                grant(&ss_code.0, services);
            }
        }
        ExtSsInfo::Other => {}
    }
    Ok(())
}

fn read_feature(code: &[u8], feature: &ExtForwFeature, forwarding: &mut Forwarding) -> Result<(), BerError> {
    let number = feature.forwarded_to_number.as_ref();
    let number = number.map(|to| read_isdn(Tag::context(5), to)).transpose()?;
    let active = is_provisioned(&feature.ss_status);
    let Some(number) = number.filter(|_| active).map(|number| number.as_str().to_owned()) else {
        return Ok(());
    };
    match code {
        [FORWARD_ALWAYS] => forwarding.always = Some(number),
        [FORWARD_BUSY] => forwarding.busy = Some(number),
        [FORWARD_NO_ANSWER] => {
            let seconds = feature.no_reply_condition_time;
            let seconds = seconds.and_then(|seconds| u16::try_from(seconds).ok()).unwrap_or(DEFAULT_SECONDS);
            forwarding.no_answer = Some((number, seconds));
        }
        _ => {}
    }
    Ok(())
}

fn is_provisioned(status: &Octets) -> bool {
    status.0.first().is_some_and(|status| status & PROVISIONED != 0)
}

type Number<'a> = Option<(u8, &'a str, Option<u16>)>;

/// What the standard's field has room for.
fn numbers(forwarding: &Forwarding) -> [Number<'_>; 3] {
    let Forwarding { always, busy, no_answer } = forwarding;
    let always = always.as_deref().filter(|to| is_number(to)).map(|to| (FORWARD_ALWAYS, to, None));
    let busy = busy.as_deref().filter(|to| is_number(to)).map(|to| (FORWARD_BUSY, to, None));
    let no_answer = no_answer.as_ref().filter(|(to, seconds)| fits(to, *seconds));
    let no_answer = no_answer.map(|(to, seconds)| (FORWARD_NO_ANSWER, to.as_str(), Some(*seconds)));
    [always, busy, no_answer]
}

/// The rest.
fn beyond_numbers(forwarding: &Forwarding) -> Option<Forwarding> {
    let Forwarding { always, busy, no_answer } = forwarding.clone();
    let beyond = Forwarding {
        always: always.filter(|to| !is_number(to)),
        busy: busy.filter(|to| !is_number(to)),
        no_answer: no_answer.filter(|(to, seconds)| !fits(to, *seconds)),
    };
    Some(beyond).filter(|beyond| *beyond != Forwarding::default())
}

fn is_number(target: &str) -> bool {
    target.parse::<crate::E164>().is_ok()
}

/// NoReplyConditionTime is 5 to 30 s.
fn fits(target: &str, seconds: u16) -> bool {
    is_number(target) && (5..=30).contains(&seconds)
}

fn supplementary_codes(services: Services) -> impl Iterator<Item = u8> + Clone {
    let on = [
        (services.caller_id, CLIP),
        (services.caller_id_restricted, CLIR),
        (services.three_way, MULTI_PARTY),
    ];
    on.into_iter().filter(|(on, _)| *on).map(|(_, code)| code)
}

fn grant(code: &[u8], services: &mut Services) {
    match code {
        [CLIP] => services.caller_id = true,
        [CLIR] => services.caller_id_restricted = true,
        [MULTI_PARTY] => services.three_way = true,
        _ => {}
    }
}

const SERVICE_GRANTED: u64 = 0;
const BARRING: u64 = 1;
/// A bit of ODB-GeneralData.
const PACKET_SERVICES_BARRED: usize = 15;
/// ODB-GeneralData with that bit alone.
const ALL_PACKET_SERVICES_BARRED: [bool; 16] = {
    let mut bits = [false; 16];
    bits[PACKET_SERVICES_BARRED] = true;
    bits
};
/// The choice allGPRSData: NULL.
const ALL_GPRS_DATA: [u8; 2] = [5, 0];
/// Codes of supplementary services (§17.7.5).
const CLIP: u8 = 0x11;
const CLIR: u8 = 0x12;
const FORWARD_ALWAYS: u8 = 0x21;
const FORWARD_BUSY: u8 = 0x29;
const FORWARD_NO_ANSWER: u8 = 0x2a;
const MULTI_PARTY: u8 = 0x51;
/// Bits P and A of Ext-SS-Status.
const ACTIVE_AND_PROVISIONED: u8 = 0b0101;
const PROVISIONED: u8 = 0b0100;
/// Where a home does not say (3GPP TS 22.082 §3.2.1).
const DEFAULT_SECONDS: u16 = 20;
