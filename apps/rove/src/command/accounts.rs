//! Accounts at SIP servers: waited for, and taken back.

use core::time::Duration;

use rove_phone::{AccountId, AccountNews, Phone, PhoneEvent, SipAccount};

use super::GLANCE;
use crate::{
    cli::PhoneArgs, cli::account::AccountArgs, cli::transport::Spoken, failure::Failure, settings::Settings,
    show::Show, stop::Stop,
};

/// Signs in with all accounts of the settings file. Nobody waits for them: what becomes of them is told. Answers each with
/// its address.
pub(crate) fn sign_in_all(phone: &Phone, settings: &Settings) -> Result<Vec<(String, AccountId)>, Failure> {
    let sign_in = |account: SipAccount| {
        let address = account.address.clone();
        Ok((address, phone.sign_in(account)?))
    };
    settings.accounts()?.into_iter().map(sign_in).collect()
}

/// The account with the address `wanted`, with or without its scheme.
pub(crate) fn named(accounts: &[(String, AccountId)], wanted: &str) -> Result<AccountId, Failure> {
    let bare = |address: &str| {
        let address = address.strip_prefix("sip:").or(address.strip_prefix("sips:")).unwrap_or(address);
        address.to_ascii_lowercase()
    };
    let found = accounts.iter().find(|(address, _)| bare(address) == bare(wanted));
    found.map(|(_, id)| *id).ok_or_else(|| match accounts {
        [] => Failure::usage(format!("there is no account {wanted}: the settings have none")),
        all => {
            let known: Vec<_> = all.iter().map(|(address, _)| address.as_str()).collect();
            Failure::usage(format!("there is no account {wanted}: there is {}", known.join(", ")))
        }
    })
}

/// Takes up the account that the flags describe for calls from `identity`, if they do; answers it with its address.
pub(crate) fn to_call_with(
    phone: &Phone,
    args: &AccountArgs,
    identity: Option<&str>,
    transport: Option<Spoken>,
) -> Result<Option<(String, AccountId)>, Failure> {
    if args.password_file.is_none() {
        return Ok(None);
    }
    let Some(identity) = identity else {
        return Err(Failure::usage("a password needs the address it is for: give --identity user@domain"));
    };
    let account = args.account(identity, transport)?;
    let id = phone.sign_in(SipAccount { register: false, ..account })?;
    Ok(Some((identity.to_owned(), id)))
}

/// Takes up all accounts there are, and answers the one to do something with: the one that is `wanted`. `None` leaves it to
/// the target's domain.
pub(crate) fn to_use(
    phone: &Phone,
    settings: &Settings,
    args: &AccountArgs,
    presented: &PhoneArgs,
    wanted: Option<&str>,
) -> Result<Option<AccountId>, Failure> {
    let identity = presented.identity.as_deref();
    let by_flags = to_call_with(phone, args, identity, presented.transport.transport)?;
    let mut known = sign_in_all(phone, settings)?;
    known.extend(by_flags);
    wanted.map(|wanted| named(&known, wanted)).transpose()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_address_however_it_is_written_and_else_the_known_ones_are_named() {
        let accounts =
            [("sip:a@One.example".to_owned(), AccountId(1)), ("b@two.example".to_owned(), AccountId(2))];
        assert_eq!(named(&accounts, "a@one.example").unwrap(), AccountId(1));
        assert_eq!(named(&accounts, "sip:b@two.example").unwrap(), AccountId(2));
        let failure = named(&accounts, "c@three.example").unwrap_err().to_string();
        assert!(failure.contains("sip:a@One.example, b@two.example"), "{failure}");
        assert!(named(&[], "c@three.example").is_err());
    }
}
