//! Ways that a call's sound may take beside the first.

use std::net::IpAddr;

use clap::Args;

use crate::settings::TurnUri;

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Ways {
    /// Relay by way of which sound goes where no other way leads to the other side (TURN), with user and password; may be
    /// repeated. It is reached by UDP; with ?transport=tcp behind it by TCP, with turns: instead of turn: by TLS (port 5349):
    /// for networks that let nothing else out. What is given here others on this machine may see: ROVE_TURN and the settings
    /// file are not shown.
    #[arg(
        long,
        value_name = "turn[s]:USER:PASSWORD@SERVER[:PORT]",
        env = "ROVE_TURN",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) turn: Vec<TurnUri>,
    /// Relay into a network for voice alone, as --turn: the last way that a call takes; may be repeated.
    #[arg(
        long,
        value_name = "turn[s]:USER:PASSWORD@SERVER[:PORT]",
        env = "ROVE_PVDPN",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) pvdpn: Vec<TurnUri>,
    /// Address that sound may leave from as well, where the way that it takes gets worse; may be repeated. Those of all
    /// interfaces when --listen is not given.
    #[arg(long, value_name = "ADDR", env = "ROVE_MEDIA_ADDRESS", value_delimiter = ',')]
    pub(crate) media_address: Vec<IpAddr>,
}
