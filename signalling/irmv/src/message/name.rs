//! What messages are called.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Message, Stage};

impl Message {
    /// What it is called in traces.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Welcome { .. } => "welcome",
            Self::Register { .. } => "register",
            Self::Registered { .. } => "registered",
            Self::Refused { .. } => "refused",
            Self::Query { .. } => "query",
            Self::Answer { .. } => "answer",
            Self::Subscribe { .. } => "subscribe",
            Self::Notify { .. } => "notify",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Admit { .. } => "admit",
            Self::Admitted { .. } => "admitted",
            Self::List { .. } => "list",
            Self::Listed { .. } => "listed",
            Self::Prove { .. } => "prove",
            Self::Proved { .. } => "proved",
            Self::Speak { .. } => "speak",
            Self::Known { .. } => "known",
            Self::Search { .. } => "search",
            Self::Found { .. } => "found",
            Self::Lend { .. } => "lend",
            Self::Lent { .. } => "lent",
            Self::Carry(carry) => match carry.stage {
                Stage::SetUp => "set-up",
                Stage::Alert => "alert",
                Stage::Accept => "accept",
                Stage::Refuse => "refuse",
                Stage::End => "end",
                Stage::Text => "text",
            },
        }
    }
}
