//! `rove register`: publish an address under a name, and take it back when leaving.

use rove_phone::{Phone, PhoneEvent};

use super::GLANCE;
use crate::{
    cli::{Register, Via},
    failure::Failure,
    publish,
    settings::Settings,
    show::Show,
    stop::Stop,
};

pub(crate) fn run(settings: &Settings, args: &Register, stop: &Stop) -> Result<(), Failure> {
    let Via::Dns = args.via;
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
