//! What a node is ended with, and made to read its files again, from anywhere.

use std::sync::Arc;

use tokio::sync::Notify;

/// Ends a node from anywhere, a signal handler's thread for example.
#[derive(Clone, Debug)]
pub struct Stopper(pub(super) Arc<Notify>);

impl Stopper {
    /// Asks the node to end; returns at once.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

/// Makes a node read its files again from anywhere.
#[derive(Clone, Debug)]
pub struct Reloader(pub(super) Arc<Notify>);

impl Reloader {
    /// Asks for it; returns at once.
    pub fn reload(&self) {
        self.0.notify_one();
    }
}
