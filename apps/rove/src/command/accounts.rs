//! Accounts at SIP servers: waited for, and taken back.

use core::time::Duration;

use rove_phone::{AccountId, AccountNews, Phone, PhoneEvent};

use super::GLANCE;
use crate::{
    cli::account::AccountArgs, cli::transport::Spoken, failure::Failure, settings::Settings, show::Show,
    stop::Stop,
};

/// Signs in with all accounts of the settings file. Nobody waits for them: what becomes of them is told.
pub(crate) fn sign_in_all(phone: &Phone, settings: &Settings) -> Result<Vec<AccountId>, Failure> {
    settings.accounts()?.into_iter().map(|account| phone.sign_in(account).map_err(Failure::from)).collect()
}

/// Takes up the account that the flags describe for calls from `identity`, if they do.
pub(crate) fn to_call_with(
    phone: &Phone,
    args: &AccountArgs,
    identity: Option<&str>,
    transport: Option<Spoken>,
) -> Result<(), Failure> {
    if args.password_file.is_none() {
        return Ok(());
    }
    let Some(identity) = identity else {
        return Err(Failure::usage("a password needs the address it is for: give --identity user@domain"));
    };
    let account = args.account(identity, transport)?;
    phone.sign_in(rove_phone::SipAccount { register: false, ..account })?;
    Ok(())
}

/// Waits until an account is registered. That it is not, and why, ends the program.
pub(crate) fn await_registration(
    phone: &Phone,
    wanted: AccountId,
    show: &Show,
    stop: &Stop,
) -> Result<(), Failure> {
    loop {
        if stop.wanted() {
            return Err(Failure::call("stopped before the address was registered"));
        }
        let Some(event) = phone.next_event(GLANCE) else { continue };
        show.event(&event);
        match event {
            PhoneEvent::Account { account, news: AccountNews::Registered { .. } } if account == wanted => {
                return Ok(());
            }
            PhoneEvent::Account { account, news: AccountNews::Failed { why, .. } } if account == wanted => {
                return Err(Failure::environment(why));
            }
            _ => {}
        }
    }
}

/// Waits until a registration is taken back. A server that does not answer is given up after half a minute.
pub(crate) fn await_withdrawal(phone: &Phone, wanted: AccountId) -> Result<(), Failure> {
    loop {
        match phone.next_event(WITHDRAWAL) {
            Some(PhoneEvent::Account { account, news: AccountNews::Unregistered }) if account == wanted => {
                return Ok(());
            }
            None => {
                return Err(Failure::environment(
                    "the server does not answer; the address may still lead here",
                ));
            }
            Some(_) => {}
        }
    }
}

/// Longer than a REGISTER may take (timer F).
const WITHDRAWAL: Duration = Duration::from_secs(35);
