//! What the operator of a node sees of it and does to it: at a socket of this machine, and as pages over HTTP.
//!
//! ```text
//!  socket ─┐            ┌─▶ each role: view, metrics, act, reload
//!  pages ──┴─▶ Order ───┤
//!                       └─▶ the relay, on its own thread
//! ```

mod config;
mod http;
mod order;
mod reload;
mod request;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    http::HttpRole,
    order::{Act, Order, joined},
    reload::Reload,
    view::{CallLine, MOST_LISTED, Media, Registration, View, sip_way},
};
pub(crate) use config::secret;
pub use config::{ControlConfig, HttpConfig};
