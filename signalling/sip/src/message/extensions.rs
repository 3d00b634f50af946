//! Headers of the extensions as types.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    Auth, AuthParams, DialogRef, Disposition, Event, HeaderError, HeaderName, Headers, Identity, NameAddr,
    RAck, Reason, SessionTimer, SubscriptionState,
};

/// Accessors of the extensions: like those of the core, they parse anew each time and fail with [`HeaderError`].
impl Headers {
    /// Event (RFC 6665).
    pub fn event(&self) -> Result<Option<Event>, HeaderError> {
        self.optional(&HeaderName::Event)
    }

    /// Event packages the sender understands (RFC 6665).
    pub fn allow_events(&self) -> Result<Vec<&str>, HeaderError> {
        self.tokens(&HeaderName::AllowEvents)
    }

    /// Subscription-State (RFC 6665).
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState>, HeaderError> {
        self.optional(&HeaderName::SubscriptionState)
    }

    /// Min-Expires in seconds (RFC 3261 §20.23).
    pub fn min_expires(&self) -> Result<Option<u32>, HeaderError> {
        self.seconds(&HeaderName::MinExpires)
    }

    /// Session-Expires (RFC 4028 §4).
    pub fn session_expires(&self) -> Result<Option<SessionTimer>, HeaderError> {
        self.optional(&HeaderName::SessionExpires)
    }

    /// Min-SE (RFC 4028 §5).
    pub fn min_se(&self) -> Result<Option<SessionTimer>, HeaderError> {
        self.optional(&HeaderName::MinSe)
    }

    /// RSeq (RFC 3262 §7.1); one beyond 32 bits is the largest.
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        self.seconds(&HeaderName::RSeq)
    }

    /// RAck (RFC 3262 §7.2).
    pub fn rack(&self) -> Result<Option<RAck>, HeaderError> {
        self.optional(&HeaderName::RAck)
    }

    /// Refer-To (RFC 3515).
    pub fn refer_to(&self) -> Result<Option<NameAddr>, HeaderError> {
        self.optional(&HeaderName::ReferTo)
    }

    /// Referred-By (RFC 3892).
    pub fn referred_by(&self) -> Result<Option<NameAddr>, HeaderError> {
        self.optional(&HeaderName::ReferredBy)
    }

    /// Replaces (RFC 3891).
    pub fn replaces(&self) -> Result<Option<DialogRef>, HeaderError> {
        self.optional(&HeaderName::Replaces)
    }

    /// Join (RFC 3911).
    pub fn join(&self) -> Result<Option<DialogRef>, HeaderError> {
        self.optional(&HeaderName::Join)
    }

    /// Target-Dialog (RFC 4538).
    pub fn target_dialog(&self) -> Result<Option<DialogRef>, HeaderError> {
        self.optional(&HeaderName::TargetDialog)
    }

    /// The challenges of a server (RFC 3261 §20.44), or of a proxy when `proxy` (RFC 3261 §20.27). One for each line.
    pub fn challenges(&self, proxy: bool) -> Result<Vec<Auth>, HeaderError> {
        self.each_line(if proxy { &HeaderName::ProxyAuthenticate } else { &HeaderName::WwwAuthenticate })
    }

    /// The credentials for a server (RFC 3261 §20.7), or for proxies when `proxy` (RFC 3261 §20.28). One for each line.
    pub fn credentials(&self, proxy: bool) -> Result<Vec<Auth>, HeaderError> {
        self.each_line(if proxy { &HeaderName::ProxyAuthorization } else { &HeaderName::Authorization })
    }

    /// Authentication-Info (RFC 7615).
    pub fn authentication_info(&self) -> Result<Option<AuthParams>, HeaderError> {
        self.optional(&HeaderName::AuthenticationInfo)
    }

    /// Path: the proxies on the way to a registered contact (RFC 3327).
    pub fn path(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.elements(&HeaderName::Path, NameAddr::read)
    }

    /// Service-Route: the proxies that requests of a registered agent go through (RFC 3608).
    pub fn service_route(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.elements(&HeaderName::ServiceRoute, NameAddr::read)
    }

    /// P-Asserted-Identity: who the caller is, said inside a trust domain (RFC 3325 §9.1).
    pub fn asserted_identities(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.elements(&HeaderName::PAssertedIdentity, NameAddr::read)
    }

    /// P-Preferred-Identity: who of several the caller wants to be (RFC 3325 §9.2).
    pub fn preferred_identities(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.elements(&HeaderName::PPreferredIdentity, NameAddr::read)
    }

    /// P-Associated-URI: all addresses of record of who has registered (RFC 7315).
    pub fn associated_uris(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.elements(&HeaderName::PAssociatedUri, NameAddr::read)
    }

    /// The values of Privacy, which stand between semicolons (RFC 3323 §4.2). Commas are taken for semicolons.
    #[must_use]
    pub fn privacy(&self) -> Vec<&str> {
        let values = self.all(&HeaderName::Privacy).flat_map(|value| value.split([';', ',']));
        values.map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// Reasons (RFC 3326).
    pub fn reasons(&self) -> Result<Vec<Reason>, HeaderError> {
        self.elements(&HeaderName::Reason, Reason::read)
    }

    /// SIP-ETag: the name of a publication (RFC 3903 §11.3.1).
    pub fn etag(&self) -> Result<Option<&str>, HeaderError> {
        self.one_token(&HeaderName::SipEtag)
    }

    /// SIP-If-Match: the publication that is meant (RFC 3903 §11.3.2).
    pub fn if_match(&self) -> Result<Option<&str>, HeaderError> {
        self.one_token(&HeaderName::SipIfMatch)
    }

    /// Content-Disposition (RFC 3261 §20.11).
    pub fn content_disposition(&self) -> Result<Option<Disposition>, HeaderError> {
        self.optional(&HeaderName::ContentDisposition)
    }

    /// Identities (RFC 8224).
    pub fn identities(&self) -> Result<Vec<Identity>, HeaderError> {
        self.elements(&HeaderName::Identity, Identity::read)
    }

    /// Flow-Timer: seconds after which a flow without keep-alives is given up (RFC 5626 §10).
    pub fn flow_timer(&self) -> Result<Option<u32>, HeaderError> {
        self.seconds(&HeaderName::FlowTimer)
    }
}
