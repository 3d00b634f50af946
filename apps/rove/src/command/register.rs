//! `rove register`: publish an address under a name, or register it at a SIP server, and take it back when leaving.

use rove_phone::{AccountNews, Phone, PhoneEvent};

use super::{GLANCE, accounts, irmv::Registered};
use crate::{
    cli::{Register, Via, account::is_sip},
    failure::Failure,
    publish,
    settings::Settings,
    show::Show,
    stop::Stop,
};

pub(crate) fn run(settings: &Settings, args: &Register, stop: &Stop) -> Result<(), Failure> {
    match args.via {
        Some(Via::Sip) => via_sip(settings, args, stop),
        Some(Via::Irmv) => via_irmv(settings, args, stop),
        None if args.irmv.takes(&args.name) => via_irmv(settings, args, stop),
        None if is_sip(&args.name) => via_sip(settings, args, stop),
        Some(Via::Dns) | None => via_dns(settings, args, stop),
    }
}

fn via_dns(settings: &Settings, args: &Register, stop: &Stop) -> Result<(), Failure> {
    let config = settings.phone(&args.phone)?;
    let registration =
        publish::registration(settings, &args.publish, &config.dns_servers, &args.name, Some(args.port))?;
    let phone = Phone::start(config)?;
    let show = Show::new();
    show.say(format!("publishing {}", args.name));
    phone.register(registration);
    loop {
        match phone.next_event(GLANCE) {
            Some(PhoneEvent::Registered { name }) => {
                show.say(format!("{name} leads here now; Ctrl-C takes it back"));
                break;
            }
            Some(PhoneEvent::RegistrationFailed(error)) => {
                return Err(Failure::environment(error.to_string()));
            }
            _ if stop.wanted() => return Err(Failure::call("stopped before the name was published")),
            _ => {}
        }
    }
    while !stop.wanted() {
        if let Some(event) = phone.next_event(GLANCE) {
            show.event(&event);
        }
    }
    phone.unregister();
    finish(&phone, &show)
}

fn via_sip(settings: &Settings, args: &Register, stop: &Stop) -> Result<(), Failure> {
    let mut config = settings.phone(&args.phone)?;
    config.sip_port = args.port;
    let account = args.account.account(&args.name, args.phone.transport.transport)?;
    let phone = Phone::start(config)?;
    let show = Show::new();
    show.say(format!("registering {}", args.name));
    let id = phone.sign_in(account)?;
    accounts::await_registration(&phone, id, &show, stop)?;
    show.keep(&format!("{} leads here now; Ctrl-C takes it back", args.name));
    while !stop.wanted() {
        if let Some(event) = phone.next_event(GLANCE) {
            show.event(&event);
        }
    }
    phone.sign_out(id);
    accounts::await_withdrawal(&phone, id)?;
    show.keep(&format!("{} does not lead here any more", args.name));
    show.done();
    Ok(())
}

fn via_irmv(settings: &Settings, args: &Register, stop: &Stop) -> Result<(), Failure> {
    let mut config = settings.phone(&args.phone)?;
    config.sip_port = args.port;
    let phone = Phone::start(config)?;
    let show = Show::new();
    show.say(format!("registering {}", args.name));
    let other = args.account.server.as_deref();
    let registered = Registered::new(&phone, &args.irmv, &args.phone, other, &args.name, stop)?;
    show.keep(&format!("{} leads here now, unique id {}; Ctrl-C takes it back", args.name, registered.uid()));
    while !stop.wanted() {
        if let Some(event) = phone.next_event(GLANCE) {
            show.event(&event);
        }
    }
    registered.leave(&show)?;
    show.done();
    Ok(())
}

fn finish(phone: &Phone, show: &Show) -> Result<(), Failure> {
    loop {
        match phone.next_event(super::seconds(15.0).unwrap_or(GLANCE)) {
            Some(PhoneEvent::Unregistered { name }) => {
                show.keep(&format!("{name} leads nowhere any more"));
                show.done();
                return Ok(());
            }
            Some(PhoneEvent::RegistrationFailed(error)) => {
                return Err(Failure::environment(error.to_string()));
            }
            None => {
                return Err(Failure::environment(
                    "the name server does not answer; the name may still stand",
                ));
            }
            Some(_) => {}
        }
    }
}

/// What a change of an account means, for people.
pub(crate) fn text(news: &AccountNews) -> Option<String> {
    Some(match news {
        AccountNews::Registered { server, expires, public } => {
            let seen = public.map(|address| format!(", seen at {address}")).unwrap_or_default();
            format!("registered at {server} for {} s{seen}", expires.as_secs())
        }
        AccountNews::Failed { why, retry_in: Some(wait) } => {
            format!("not registered: {why}; again in {} s", wait.as_secs())
        }
        AccountNews::Failed { why, retry_in: None } => format!("not registered: {why}"),
        AccountNews::Published { package } => format!("{package} is published"),
        AccountNews::NotPublished { package, why } => format!("{package} is not published: {why}"),
        AccountNews::Push { provider: Some(provider) } => format!("woken by {provider} for what comes"),
        AccountNews::Push { provider: None } => {
            "the server does not wake this phone by a push service".into()
        }
        AccountNews::Unregistered => "no longer registered".into(),
        _ => return None,
    })
}
