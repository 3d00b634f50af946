//! What the person has chosen.

use serde::{Deserialize, Serialize};

/// How the window looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// As the system says.
    #[default]
    System,
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

/// In what language it speaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Language {
    /// As the system says.
    #[default]
    #[serde(rename = "system")]
    System,
    /// English.
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// English with accents and brackets, which shows what was not translated.
    #[serde(rename = "en-XA")]
    Pseudo,
}

/// An account at a SIP server.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// `user@domain`.
    pub address: String,
    /// The password; empty for a server that asks for none.
    #[serde(default)]
    pub password: String,
}

/// The sound card.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audio {
    /// The microphone by name; the system's choice when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The loudspeaker by name; the system's choice when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// All settings. An unknown key is an error that names file and line.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who we say we are, where there is no account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The mean opinion score that calls shall have, 1 to 4.5: a way that cannot reach it is left for a better one. `None`: no
    /// wish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_mos: Option<f32>,
    /// Name servers to ask instead of the system's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_servers: Vec<std::net::SocketAddr>,
    /// Whom to call to hear oneself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<String>,
    /// How the window looks.
    pub look: Look,
    /// In what language it speaks.
    pub language: Language,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The sound card.
    pub audio: Audio,
}

impl Settings {
    /// Whether the phone has to be started anew for these, after it ran by `other`.
    #[must_use]
    pub fn wants_another_phone_than(&self, other: &Self) -> bool {
        let parts = |settings: &Self| {
            let Self { identity, dns_servers, account, audio, .. } = settings.clone();
            (identity, dns_servers, account, audio)
        };
        parts(self) != parts(other)
    }
}
