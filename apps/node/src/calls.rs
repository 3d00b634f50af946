//! What the role that connects calls asks of those that know subscribers.

use rove_sip::{
    message::{Host, Reason, StatusCode, Token},
    server::{Consultation, Grant, Treatment},
};

/// A call, and what the asker's domains are.
#[derive(Clone, Debug)]
pub(crate) struct CallQuestion {
    pub(crate) call: Box<Consultation>,
    pub(crate) domains: Vec<Host>,
}

/// What becomes of it.
#[derive(Clone, Debug)]
pub(crate) enum CallAnswer {
    /// All is said.
    Treatment(Treatment),
    /// It may go on, and the number is nobody's who is known here: `+` and its digits.
    Number(String, Box<Grant>),
}

impl CallQuestion {
    /// The number that is called, `+` and digits; `None` where a name is.
    pub(crate) fn number(&self) -> Option<String> {
        use rove_sip::message::Uri;
        let text = match &self.call.callee {
            Uri::Tel(tel) => tel.digits(),
            Uri::Sip(sip) if self.is_ours(&sip.host) => String::from_utf8(sip.user_bytes()?).ok()?,
            _ => return None,
        };
        let digits = text.strip_prefix('+')?;
        ((3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
    }

    /// Whether a host is one of the asker's domains, or an address, which the asker has found to be its own.
    pub(crate) fn is_ours(&self, host: &Host) -> bool {
        self.domains.contains(host) || host.ip().is_some()
    }
}

/// A refusal with its causes: one of ITU-T Q.850, and the response's.
pub(crate) fn refused(status: StatusCode, q850: u16, why: &str) -> Treatment {
    let cause = |protocol: &str, cause: u16| {
        let mut reason = Reason::new(Token::new(protocol)?, cause);
        reason.params.set("text", Some(why));
        Some(reason)
    };
    let causes = [cause("Q.850", q850), cause("SIP", status.code())];
    Treatment::Refused { status, causes: causes.into_iter().flatten().collect() }
}
