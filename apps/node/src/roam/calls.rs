//! What home and visited network have to say about a call: who may make it, who is shown, and where it goes.

use std::time::Duration;

use rove_base::Now;
use rove_roam::{
    Cause, E164, HostName, Subscriber,
    attach::Reason,
    hlr::{Call, Hlr},
};
use rove_sip::{
    message::{Host, SipUri, StatusCode, Uri},
    server::{Grant, Treatment},
};

use super::Roam;
use crate::calls::{CallAnswer, CallQuestion, refused};

impl Roam {
    /// What becomes of a call.
    pub(super) fn treat(&mut self, now: Now, question: &CallQuestion) -> CallAnswer {
        let mut grant = Box::<Grant>::default();
        // Who was let through calls no more often for being forwarded.
        if question.call.forwarded == 0
            && let Err(cause) = self.caller(now, question, &mut grant)
        {
            self.counted.calls_refused.count(cause);
            return CallAnswer::Treatment(refusal(cause));
        }
        let number = question.number();
        let Some(home) = &self.home else { return open(number, grant) };
        let callee = match number.as_ref().and_then(|number| number.strip_prefix('+')?.parse::<E164>().ok()) {
            Some(number) => home.numbered(number),
            None => names(&question.call.callee, question).iter().find_map(|name| home.named(name)),
        };
        let Some(callee) = callee else { return open(number, grant) };
        called(home, callee, question, &mut grant);
        CallAnswer::Treatment(Treatment::Granted(grant))
    }

    /// Whether the caller may make this call; and how it is shown.
    fn caller(&mut self, now: Now, question: &CallQuestion, grant: &mut Grant) -> Result<(), Cause> {
        let (third, ip) = (question.call.others > 0, question.call.from.ip().to_canonical());
        if let Some((vlr, _)) = &mut self.visited
            && let Some((imsi, name)) = vlr.visitor_at(ip)
        {
            let identity = format!("sip:{name}").parse().ok();
            grant.hidden |= vlr.may_call(now, imsi, third).map_err(cause_of)?;
            (grant.vouched, grant.identity) = (true, identity);
        }
        let Some(home) = &self.home else { return Ok(()) };
        let here = home.owner(ip);
        // Who hides from whom it calls has to say to us who it is, if we ask.
        let proved = question.call.proved.iter().flat_map(|user| of_domains(user, question));
        let names: Vec<_> = proved.chain(names(&question.call.caller, question)).collect();
        let Some(caller) = here.or_else(|| names.iter().find_map(|name| home.named(name))) else {
            return Ok(());
        };
        let services = caller.profile.services;
        let parties = if third { 3 } else { 2 };
        match home.serving(caller.imsi) {
            Some(stay) => home.authorise(caller.imsi, Call { network: &stay.network, parties })?,
            None if !services.packet_data => return Err(Cause::NoPacketData),
            None if third && !services.three_way => return Err(Cause::NotSupported),
            None => {}
        }
        grant.vouched |= here.is_some() || question.call.proved.is_some();
        grant.hidden |= services.caller_id_restricted;
        grant.identity = aor(&caller.name, question);
        Ok(())
    }
}

/// A call to nobody of ours.
fn open(number: Option<String>, grant: Box<Grant>) -> CallAnswer {
    match number {
        Some(number) => CallAnswer::Number(number, grant),
        None => CallAnswer::Treatment(Treatment::Granted(grant)),
    }
}

/// A call to a subscriber.
fn called(home: &Hlr, callee: &Subscriber, question: &CallQuestion, grant: &mut Grant) {
    let forwarding = &callee.profile.forwarding;
    grant.hidden |= !callee.profile.services.caller_id;
    grant.always = forwarding.always.as_deref().and_then(target);
    grant.busy = forwarding.busy.as_deref().and_then(target);
    grant.no_answer = forwarding
        .no_answer
        .as_ref()
        .and_then(|(to, seconds)| Some((target(to)?, Duration::from_secs(u64::from((*seconds).max(1))))));
    grant.instead = aor(&callee.name, question);
    let place = |ip: std::net::IpAddr| {
        let host = match ip {
            std::net::IpAddr::V4(ip) => Host::Ipv4(ip),
            std::net::IpAddr::V6(ip) => Host::Ipv6(ip),
        };
        Uri::Sip(SipUri::new(host).with_user(callee.name.as_str().split('.').next().unwrap_or_default()))
    };
    let stay = home.serving(callee.imsi).and_then(|stay| stay.binding);
    grant.places = stay.iter().flat_map(|binding| binding.addresses.iter()).map(place).collect();
}

/// The subscribers' names that a URI may mean: `user@domain` is `user.domain`, and a host is itself.
fn names(uri: &Uri, question: &CallQuestion) -> Vec<HostName> {
    let Some(sip) = uri.as_sip() else { return Vec::new() };
    let Host::Domain(host) = &sip.host else {
        // To an address of ours: the user is one of a domain of ours.
        let user = sip.user_bytes().and_then(|user| String::from_utf8(user).ok());
        return user.iter().flat_map(|user| of_domains(user, question)).collect();
    };
    let user = sip.user_bytes().and_then(|user| String::from_utf8(user).ok());
    let below = user.and_then(|user| format!("{user}.{}", host.as_str()).parse().ok());
    below.into_iter().chain(host.as_str().parse()).collect()
}

/// The names that a user of the asker's domains may have.
fn of_domains(user: &str, question: &CallQuestion) -> Vec<HostName> {
    question.domains.iter().filter_map(|domain| format!("{user}.{domain}").parse().ok()).collect()
}

/// A subscriber's address at the server: `user@domain` where its name is one below a domain of the server's.
fn aor(name: &HostName, question: &CallQuestion) -> Option<Uri> {
    let (user, domain) = name.as_str().split_once('.')?;
    let ours = question.domains.iter().find(|host| host.to_string().eq_ignore_ascii_case(domain));
    match ours {
        Some(domain) => Some(Uri::Sip(SipUri::new(domain.clone()).with_user(user))),
        None => format!("sip:{name}").parse().ok(),
    }
}

/// Where calls are forwarded to: a URI, a number, `user@host` or a host name.
fn target(text: &str) -> Option<Uri> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("tel:+{digits}").parse().ok();
    }
    match text.split_once(':') {
        Some(("sip" | "sips" | "tel", _)) => text.parse().ok(),
        _ => format!("sip:{text}").parse().ok(),
    }
}

/// A visited network's reason as the cause that it stands for.
const fn cause_of(reason: Reason) -> Cause {
    match reason {
        Reason::Home(cause) => cause,
        Reason::ServiceNotGranted => Cause::NotSupported,
        _ => Cause::NotServing,
    }
}

/// What the caller hears of a cause.
fn refusal(cause: Cause) -> Treatment {
    let (status, q850) = match cause {
        Cause::UnknownSubscriber => (StatusCode::NOT_FOUND, 1),
        Cause::NoPacketData => (StatusCode::FORBIDDEN, 57),
        Cause::NotSupported => (StatusCode::FORBIDDEN, 50),
        Cause::Overload => (StatusCode::SERVICE_UNAVAILABLE, 42),
        Cause::NoAnswer => (StatusCode::SERVICE_UNAVAILABLE, 38),
        _ => (StatusCode::FORBIDDEN, 21),
    };
    let why = match cause {
        Cause::NotSupported => "the subscription has no three-way calls".into(),
        cause => cause.to_string(),
    };
    refused(status, q850, &why)
}
