//! A subscriber's data (3GPP TS 29.002 §17.7.1, InsertSubscriberDataArg): in the standard's fields for those who know no
//! others, and in the extension, which wins, for what they cannot say.

use super::{
    argument::{read_imsi, read_isdn},
    extension::Extension,
};
use crate::{
    Forwarding, Imsi, Profile, Services, Subscription,
    private::{
        ber::{BerError, Reader, Tag, Writer, unsigned},
        digits,
    },
};

/// Writes InsertSubscriberDataArg.
pub(super) fn write(imsi: Option<&Imsi>, subscription: &Subscription, out: &mut Writer<'_>) {
    let Subscription { msisdn, name, profile } = subscription;
    let Profile { services, forwarding } = profile;
    out.nest(Tag::SEQUENCE, |out| {
        if let Some(imsi) = imsi {
            out.value(Tag::context(0), &digits::imsi(imsi));
        }
        if let Some(msisdn) = msisdn {
            out.value(Tag::context(1), &digits::isdn(msisdn));
        }
        out.unsigned(SUBSCRIBER_STATUS, if services.packet_data { SERVICE_GRANTED } else { BARRING });
        supplementary(*services, forwarding, out);
        if !services.packet_data {
            out.nest(ODB_DATA, |out| out.value(Tag::BIT_STRING, ALL_PACKET_SERVICES_BARRED));
        }
        let beyond = beyond_numbers(forwarding);
        let extension = Extension {
            name: name.clone(),
            services: Some(*services),
            forwarding: beyond,
            ..Extension::default()
        };
        extension.write(Tag::constructed(14), out);
    });
}

/// Reads InsertSubscriberDataArg; whose it is may be left to the dialogue.
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub(super) fn read(mut fields: Reader<'_>) -> Result<(Option<Imsi>, Subscription), BerError> {
    let imsi = fields.field(Tag::context(0))?.map(|imsi| read_imsi(Tag::context(0), imsi)).transpose()?;
    let msisdn =
        fields.field(Tag::context(1))?.map(|number| read_isdn(Tag::context(1), number)).transpose()?;
    let (mut services, mut forwarding) =
        (Services { roaming: true, packet_data: true, ..Services::default() }, None);
    if let Some(list) = fields.field(PROVISIONED_SS)? {
        forwarding = Some(read_supplementary(list, &mut services)?);
    }
    if let Some(odb) = fields.field(ODB_DATA)? {
        let bits = Reader::new(odb).need(Tag::BIT_STRING)?;
        services.packet_data = bits.get(2).is_none_or(|octet| octet & 1 == 0);
    }
    if fields.field(ROAMING_RESTRICTED)?.is_some() {
        services.roaming = false;
    }
    let extension = Extension::read(fields.field(Tag::constructed(14))?)?;
    let mut forwarding = forwarding.unwrap_or_default();
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
    out.nest(Tag::SEQUENCE, |out| {
        out.value(Tag::context(0), &digits::imsi(imsi));
        let codes = supplementary_codes(services);
        if codes.clone().next().is_some() {
            out.nest(Tag::constructed(2), |out| codes.for_each(|code| out.value(Tag::OCTET_STRING, &[code])));
        }
        Extension { services: Some(services), ..Extension::default() }.write(Tag::constructed(6), out);
        if services.packet_data {
            out.nest(Tag::constructed(10), |out| out.value(Tag::NULL, &[]));
        }
    });
}

/// Reads DeleteSubscriberDataArg.
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub(super) fn read_withdrawal(mut fields: Reader<'_>) -> Result<(Imsi, Services), BerError> {
    let imsi = read_imsi(Tag::context(0), fields.need(Tag::context(0))?)?;
    let mut services = Services::default();
    let mut codes = Reader::new(fields.field(Tag::constructed(2))?.unwrap_or_default());
    while let Some((_, code)) = codes.take()? {
        grant(code, &mut services);
    }
    let extension = Extension::read(fields.field(Tag::constructed(6))?)?;
    services.packet_data = fields.field(Tag::constructed(10))?.is_some();
    Ok((imsi, extension.services.unwrap_or(services)))
}

/// Ext-SS-InfoList: the services that have codes, and forwarding to numbers.
fn supplementary(services: Services, forwarding: &Forwarding, out: &mut Writer<'_>) {
    let codes = supplementary_codes(services);
    let numbers = numbers(forwarding);
    if codes.clone().next().is_none() && numbers.iter().all(Option::is_none) {
        return;
    }
    out.nest(PROVISIONED_SS, |out| {
        for (code, number, seconds) in numbers.into_iter().flatten() {
            out.nest(Tag::constructed(0), |out| write_forwarding(code, number, seconds, out));
        }
        for code in codes {
            out.nest(Tag::constructed(3), |out| {
                out.value(Tag::OCTET_STRING, &[code]);
                out.value(Tag::context(4), &[ACTIVE_AND_PROVISIONED]);
            });
        }
    });
}

/// Ext-ForwInfo with one feature.
fn write_forwarding(code: u8, number: &str, seconds: Option<u16>, out: &mut Writer<'_>) {
    let Ok(number) = number.parse() else { return };
    out.value(Tag::OCTET_STRING, &[code]);
    out.nest(Tag::SEQUENCE, |out| {
        out.nest(Tag::SEQUENCE, |out| {
            out.value(Tag::context(4), &[ACTIVE_AND_PROVISIONED]);
            out.value(Tag::context(5), &digits::isdn(&number));
            if let Some(seconds) = seconds {
                out.unsigned(Tag::context(7), u64::from(seconds));
            }
        });
    });
}

fn read_supplementary(list: &[u8], services: &mut Services) -> Result<Forwarding, BerError> {
    let mut forwarding = Forwarding::default();
    let mut list = Reader::new(list);
    while let Some((tag, info)) = list.take()? {
        let mut info = Reader::new(info);
        match tag {
            FORWARDING_INFO => {
                let code = info.expect(Tag::OCTET_STRING)?;
                let mut features = Reader::new(info.need(Tag::SEQUENCE)?);
                while let Some((_, feature)) = features.take()? {
                    read_feature(code, Reader::new(feature), &mut forwarding)?;
                }
            }
            SS_DATA => {
                let code = info.expect(Tag::OCTET_STRING)?;
                let status = info.need(Tag::context(4))?;
                if status.first().is_some_and(|status| status & PROVISIONED != 0) {
                    grant(code, services);
                }
            }
            _ => {}
        }
    }
    Ok(forwarding)
}

fn read_feature(code: &[u8], mut feature: Reader<'_>, forwarding: &mut Forwarding) -> Result<(), BerError> {
    let status = feature.need(Tag::context(4))?;
    let number = feature.field(Tag::context(5))?.map(|to| read_isdn(Tag::context(5), to)).transpose()?;
    let seconds = feature.field(Tag::context(7))?.map(|time| unsigned(Tag::context(7), time)).transpose()?;
    let active = status.first().is_some_and(|status| status & PROVISIONED != 0);
    let Some(number) = number.filter(|_| active).map(|number| number.as_str().to_owned()) else {
        return Ok(());
    };
    match code {
        [FORWARD_ALWAYS] => forwarding.always = Some(number),
        [FORWARD_BUSY] => forwarding.busy = Some(number),
        [FORWARD_NO_ANSWER] => {
            let seconds = seconds.and_then(|seconds| u16::try_from(seconds).ok()).unwrap_or(DEFAULT_SECONDS);
            forwarding.no_answer = Some((number, seconds));
        }
        _ => {}
    }
    Ok(())
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

const SUBSCRIBER_STATUS: Tag = Tag::context(3);
const SERVICE_GRANTED: u64 = 0;
const BARRING: u64 = 1;
const PROVISIONED_SS: Tag = Tag::constructed(7);
const ODB_DATA: Tag = Tag::constructed(8);
const ROAMING_RESTRICTED: Tag = Tag::context(9);
const FORWARDING_INFO: Tag = Tag::constructed(0);
const SS_DATA: Tag = Tag::constructed(3);
/// ODB-GeneralData: bit 15 of 16.
const ALL_PACKET_SERVICES_BARRED: &[u8] = &[0, 0, 1];
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
