//! What each arrival does.

use core::time::Duration;

use rove_base::Transport;
use rove_session::{Account, AccountId, CallId, Errand, ErrandId, Target};
use rove_sip::{
    digest::Login,
    message::{NameAddr, Uri, UriParams},
};

use super::users::Users;
use crate::desk::Desk;

/// What one arrival does. Texts have the columns of users in braces.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Calls, and stands for so long.
    Call {
        /// From the answer to our goodbye.
        hold: Duration,
    },
    /// Registers an address of record at the target.
    Register {
        /// `user@domain`.
        address: String,
        /// The password, if there is one.
        password: Option<String>,
    },
    /// Sends a message.
    Message {
        /// What it says.
        text: String,
    },
    /// Looks the target up.
    LookUp,
    /// Answers whoever calls, after so long.
    Answer {
        /// From the invitation on.
        after: Duration,
    },
}

/// Names what was begun.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Key {
    Call(CallId),
    Account(AccountId),
    Errand(ErrandId),
    LookUp(rove_dns::lookup::LookupId),
}

impl Act {
    /// All texts with columns.
    pub(crate) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Register { address, password } => {
                [Some(address), password.as_ref()].into_iter().flatten().map(String::as_str).collect()
            }
            Self::Message { text } => vec![text],
            _ => Vec::new(),
        }
    }

    /// A word for it in reports.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Call { .. } => "call",
            Self::Register { .. } => "register",
            Self::Message { .. } => "message",
            Self::LookUp => "lookup",
            Self::Answer { .. } => "answer",
        }
    }

    /// Begins it with `target`.
    ///
    /// # Errors
    ///
    /// A sentence when the target or the address cannot be understood.
    pub(crate) fn begin(
        &self,
        desk: &mut Desk,
        users: &Users,
        (number, target): (u64, &str),
        transport: Option<Transport>,
    ) -> Result<Key, String> {
        let parse = |text: &str| Target::parse(text).map_err(|error| error.to_string());
        let target = parse(target)?.or_over(transport);
        let now = desk.now();
        Ok(match self {
            Self::Call { .. } => Key::Call(desk.board.dial(now, target)),
            Self::LookUp => Key::LookUp(desk.board.look_up(now, &target)),
            Self::Message { text } => {
                let body = users.fill(text, number).into_bytes();
                let errand = Errand::Message { kind: "text/plain".into(), body };
                Key::Errand(desk.board.begin(now, target, None, errand))
            }
            Self::Register { address, password } => {
                let identity = parse(&users.fill(address, number))?;
                let password = password.as_ref().map(|password| users.fill(password, number));
                Key::Account(desk.board.sign_in(now, account(&identity, target, password)))
            }
            Self::Answer { .. } => return Err("who answers begins nothing".into()),
        })
    }
}

fn account(identity: &Target, server: Target, password: Option<String>) -> Account {
    let mut aor = identity.uri().clone();
    let user = aor.user().unwrap_or_default().to_owned();
    aor.params = UriParams::new();
    Account {
        identity: NameAddr::new(Uri::from(aor)),
        server,
        login: password.map(|password| Login { user, password: password.into(), realm: None }),
        register: true,
        expires: Duration::from_secs(3_600),
        instance: None,
        flows: 1,
        proxy: false,
        publish: false,
        push: None,
    }
}
