//! More than one voice, and words beside it.

use clap::Args;

/// What a call can be beside the voices of two.
#[derive(Args, Debug)]
pub(crate) struct Together {
    /// Calls this target as well once the call is up, and makes one conversation of all of them; up to seven times.
    #[arg(long, value_name = "TARGET", conflicts_with_all = ["keys", "transfer", "count"])]
    pub(crate) join: Vec<String>,
    /// Writes each line of standard input to the other side, and prints what it writes. With --join what one writes goes to
    /// all, and `/mute N` and `/unmute N` say whether the Nth of them is heard.
    #[arg(long, conflicts_with = "until_stdin_closes")]
    pub(crate) chat: bool,
    /// Sets the call up and ends it by way of both IRMV servers, as the user that --identity names; voices go straight.
    #[arg(long, requires_all = ["irmv_server", "identity"], conflicts_with_all = ["join", "transfer", "count"])]
    pub(crate) relayed_setup: bool,
}
