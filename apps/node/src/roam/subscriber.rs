//! A subscriber as its operator writes it.

use rove_roam::{
    Forwarding, HostName, IdentityError, Profile, Services, Subscriber,
    aka::AkaKeys,
    subscriber::{Credential, Networks},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A subscriber in words. Secrets are told to a home and never asked back.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriberForm {
    /// Its identity.
    pub imsi: String,
    /// Its name.
    pub name: String,
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<String>,
    /// K of its SIM, 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<Zeroizing<String>>,
    /// OPc of its SIM, 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opc: Option<Zeroizing<String>>,
    /// The public half of its key pair, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// May be served by other networks.
    #[serde(default = "yes")]
    pub roaming: bool,
    /// May have an address.
    #[serde(default = "yes")]
    pub packet_data: bool,
    /// Sees who calls.
    #[serde(default = "yes")]
    pub caller_id: bool,
    /// Is not shown to those it calls.
    #[serde(default)]
    pub caller_id_restricted: bool,
    /// May hold three parties in a call.
    #[serde(default = "yes")]
    pub three_way: bool,
    /// Where all its calls go instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_always: Option<String>,
    /// Where its calls go while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_busy: Option<String>,
    /// Where its calls go when nobody answers, and after how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_no_answer: Option<(String, u16)>,
    /// Networks it may roam to; all partners when none is named.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Seconds its addresses may be cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

/// What cannot be read of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriberError {
    /// Somebody's name or number.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A key that is no key.
    #[error("{what}: {digits} hexadecimal digits are expected")]
    Key {
        /// Which.
        what: &'static str,
        /// How many digits it has.
        digits: usize,
    },
    /// It cannot prove itself, or in two ways.
    #[error("give either k and opc (of a SIM) or public_key")]
    Credential,
    /// Nobody of that identity.
    #[error("there is no such subscriber")]
    Unknown,
    /// A key that nobody knows, or a value of another kind.
    #[error("{0}")]
    Form(serde_json::Error),
}

impl SubscriberForm {
    /// The subscriber.
    ///
    /// # Errors
    ///
    /// [`SubscriberError`] says what cannot be read.
    pub fn read(&self) -> Result<Subscriber, SubscriberError> {
        self.with(self.credential()?)
    }

    /// How it proves itself.
    fn credential(&self) -> Result<Credential, SubscriberError> {
        Ok(match (&self.k, &self.opc, &self.public_key) {
            (Some(k), Some(opc), None) => {
                let keys = AkaKeys::new(bytes("k", k)?, bytes("opc", opc)?);
                Credential::Aka { keys, amf: AMF }
            }
            (None, None, Some(key)) => Credential::Ed25519 { public_key: bytes("public_key", key)? },
            _ => return Err(SubscriberError::Credential),
        })
    }

    fn with(&self, credential: Credential) -> Result<Subscriber, SubscriberError> {
        let services = Services {
            roaming: self.roaming,
            packet_data: self.packet_data,
            caller_id: self.caller_id,
            caller_id_restricted: self.caller_id_restricted,
            three_way: self.three_way,
        };
        let forwarding = Forwarding {
            always: self.forward_always.clone(),
            busy: self.forward_busy.clone(),
            no_answer: self.forward_no_answer.clone(),
        };
        let networks = self.networks.iter().map(|name| name.parse()).collect::<Result<Vec<HostName>, _>>()?;
        Ok(Subscriber {
            imsi: self.imsi.parse()?,
            msisdn: self.msisdn.as_ref().map(|number| number.trim_start_matches('+').parse()).transpose()?,
            name: self.name.parse()?,
            credential,
            profile: Profile { services, forwarding },
            networks: if networks.is_empty() { Networks::All } else { Networks::Only(networks) },
            gives_name: true,
            ttl: self.ttl,
        })
    }

    /// `subscriber` with what `patch` says of it; all that it does not name stays, secrets included.
    ///
    /// # Errors
    ///
    /// [`SubscriberError`] says what cannot be read.
    pub fn patched(
        subscriber: &Subscriber,
        patch: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Subscriber, SubscriberError> {
        let mut whole = serde_json::to_value(Self::of(subscriber)).map_err(SubscriberError::Form)?;
        let proves = ["k", "opc", "public_key"].iter().any(|key| patch.contains_key(*key));
        if let Some(whole) = whole.as_object_mut() {
            if proves {
                whole.remove("public_key");
            }
            whole.extend(patch.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        let form: Self = serde_json::from_value(whole).map_err(SubscriberError::Form)?;
        let credential = if proves { form.credential()? } else { subscriber.credential.clone() };
        let changed = form.with(credential)?;
        Ok(Subscriber { gives_name: subscriber.gives_name, ..changed })
    }

    /// A subscriber in words, without its secrets.
    #[must_use]
    pub fn of(subscriber: &Subscriber) -> Self {
        let Services { roaming, packet_data, caller_id, caller_id_restricted, three_way } =
            subscriber.profile.services;
        let forwarding = subscriber.profile.forwarding.clone();
        Self {
            imsi: subscriber.imsi.to_string(),
            name: subscriber.name.to_string(),
            msisdn: subscriber.msisdn.map(|number| number.to_string()),
            k: None,
            opc: None,
            public_key: match &subscriber.credential {
                Credential::Ed25519 { public_key } => Some(hex(public_key)),
                Credential::Aka { .. } => None,
            },
            roaming,
            packet_data,
            caller_id,
            caller_id_restricted,
            three_way,
            forward_always: forwarding.always,
            forward_busy: forwarding.busy,
            forward_no_answer: forwarding.no_answer,
            networks: match &subscriber.networks {
                Networks::All => Vec::new(),
                Networks::Only(networks) => networks.iter().map(ToString::to_string).collect(),
            },
            ttl: subscriber.ttl,
        }
    }
}

/// Secrets are not for logs.
impl std::fmt::Debug for SubscriberForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriberForm")
            .field("imsi", &self.imsi)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn bytes<const N: usize>(what: &'static str, digits: &str) -> Result<[u8; N], SubscriberError> {
    let error = SubscriberError::Key { what, digits: N * 2 };
    let digits = digits.trim().as_bytes();
    let mut bytes = [0; N];
    if digits.len() != N * 2 {
        return Err(error);
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'));
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(read) => *byte = read,
            None => return Err(error),
        }
    }
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The separation bit is set, as networks of this kind want it (RFC 5448 §3.1).
const AMF: [u8; 2] = [0x80, 0];

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_read_and_shown_without_its_secrets() {
        let text = r#"{"imsi":"001010000000001","name":"t1.home.example","msisdn":"+46700000001",
            "k":"465b5ce8b199b49faa5f0a2ee238a6bc","opc":"cd63cb71954a9f4e48a5994e37a02baf"}"#;
        let form: SubscriberForm = serde_json::from_str(text).unwrap();
        let subscriber = form.read().unwrap();
        assert!(subscriber.profile.services.roaming && !subscriber.profile.services.caller_id_restricted);
        let shown = serde_json::to_string(&SubscriberForm::of(&subscriber)).unwrap();
        assert!(
            shown.contains("46700000001") && !shown.contains("465b5c") && !shown.contains("cd63cb"),
            "{shown}"
        );
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let cases = [
            (r#"{"imsi":"1","name":"a.b","public_key":""}"#, "public_key: 64"),
            (r#"{"imsi":"001010000000001","name":"a.b"}"#, "either k and opc"),
            (r#"{"imsi":"1","name":"a.b","k":"00000000000000000000000000000000","opc":"x"}"#, "opc: 32"),
        ];
        for (text, says) in cases {
            let form: SubscriberForm = serde_json::from_str(text).unwrap();
            let error = form.read().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
