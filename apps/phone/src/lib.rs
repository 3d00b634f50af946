//! The embeddable phone: register a name, dial a name, answer, hang up, hear what happens.
//!
//! [`Phone`] runs on real sockets, with a control thread and a media thread of its own; any thread may call it.
//! [`virtual_time::VirtualPhone`] is the same phone without threads, sockets or clock: signalling, media path and
//! playout are the same code, driven by whoever owns it.
//!
//! ```no_run
//! use std::time::Duration;
//! use rove_phone::{Audio, Phone, PhoneConfig, PhoneEvent};
//!
//! let phone = Phone::start(PhoneConfig { audio: Audio::Null, ..PhoneConfig::default() })?;
//! phone.dial("bob.home.example")?;
//! while let Some(event) = phone.next_event(Duration::from_secs(60)) {
//!     if let PhoneEvent::Ended { report, .. } = event {
//!         println!("{}", report.cause_text);
//!         break;
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
mod config;
mod devices;
pub mod doctor;
mod driver;
mod event;
pub mod irmv;
mod metrics;
#[cfg(feature = "simulate")]
pub mod netem;
mod outside;
mod phone;
mod places;
#[cfg(feature = "simulate")]
pub mod replay;
mod report;
pub mod roaming;
mod room;
#[cfg(feature = "simulate")]
pub mod simulate;
mod stun;
mod turn;
pub mod virtual_time;

pub use account::SipAccount;
pub use config::{Audio, PhoneConfig};
pub use devices::{SoundLevels, sound_devices};
pub use event::PhoneEvent;
pub use metrics::Metrics;
pub use phone::{DialError, DnsRegistration, Phone, StartError};
pub use report::{CallReport, QualitySample, Reroute};
pub use room::RoomHost;
pub use rove_base::{CodecId, Quality, RouteKind, Transport};
pub use rove_codecs::opus::libopus_version;
pub use rove_core::path::{Switched, Why};
pub use rove_core::reroute::{Cause as RerouteCause, Complaint, Rerouted, Tolerance};
pub use rove_core::{playout::PlayoutConfig, send::Tripped, stream::Digit};
pub use rove_dns::{
    lookup::{Candidate, LookupError, LookupId, TraceStep},
    tsig::TsigKey,
};
pub use rove_driver::{Certificate, TlsError};
pub use rove_io::device::{PortError, Ports};
pub use rove_io::media_thread::Loses;
pub use rove_session::{
    AccountId, AccountNews, CallId, Cause, Disclosure, ErrandId, ErrandNews, MediaSecurity, Party, Progress,
    Push, Refused, RegistrationError, RelayStep, RoomConfig, SecurityKind, Target, TargetError, package,
};
pub use rove_sip::transport::LocalAddress;
pub use turn::{TurnServer, TurnTransport};
