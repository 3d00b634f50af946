//! Which operation of MAP an [`Operation`] is: its number, its application context, its ends (3GPP TS 29.002 §17).

use crate::{
    Operation,
    private::{
        sccp::address::{HLR, VLR},
        tcap::ApplicationContext,
    },
};

/// One of the operations, without what it says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// sendAuthenticationInfo.
    SendAuthenticationInfo,
    /// updateLocation.
    UpdateLocation,
    /// updateLocation that carries a claim.
    Bind,
    /// insertSubscriberData.
    InsertSubscriberData,
    /// deleteSubscriberData.
    DeleteSubscriberData,
    /// cancelLocation.
    CancelLocation,
    /// purgeMS.
    PurgeMs,
    /// restoreData.
    RestoreData,
    /// reset.
    Reset,
}

impl Kind {
    /// Of an operation.
    #[must_use]
    pub const fn of(operation: &Operation) -> Self {
        match operation {
            Operation::SendAuthenticationInfo { .. } => Self::SendAuthenticationInfo,
            Operation::UpdateLocation { .. } => Self::UpdateLocation,
            Operation::Bind { .. } => Self::Bind,
            Operation::InsertSubscriberData { .. } => Self::InsertSubscriberData,
            Operation::DeleteSubscriberData { .. } => Self::DeleteSubscriberData,
            Operation::CancelLocation { .. } => Self::CancelLocation,
            Operation::PurgeMs { .. } => Self::PurgeMs,
            Operation::RestoreData { .. } => Self::RestoreData,
            Operation::Reset { .. } => Self::Reset,
        }
    }

    /// Its local operation code (§17.5).
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::UpdateLocation | Self::Bind => 2,
            Self::CancelLocation => 3,
            Self::InsertSubscriberData => 7,
            Self::DeleteSubscriberData => 8,
            Self::Reset => 37,
            Self::SendAuthenticationInfo => 56,
            Self::RestoreData => 57,
            Self::PurgeMs => 67,
        }
    }

    /// The operation with this code; an update of the location becomes a [`Kind::Bind`] only when its claim is read.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            2 => Self::UpdateLocation,
            3 => Self::CancelLocation,
            7 => Self::InsertSubscriberData,
            8 => Self::DeleteSubscriberData,
            37 => Self::Reset,
            56 => Self::SendAuthenticationInfo,
            57 => Self::RestoreData,
            67 => Self::PurgeMs,
            _ => return None,
        })
    }

    /// The application context that a dialogue with it begins in (§17.3.3).
    #[must_use]
    pub const fn context(self) -> ApplicationContext {
        match self {
            Self::UpdateLocation | Self::Bind | Self::RestoreData => ApplicationContext::v3(1),
            Self::CancelLocation => ApplicationContext::v3(2),
            Self::Reset => ApplicationContext { name: 10, version: 2 },
            Self::SendAuthenticationInfo => ApplicationContext::v3(14),
            Self::InsertSubscriberData | Self::DeleteSubscriberData => ApplicationContext::v3(16),
            Self::PurgeMs => ApplicationContext::v3(27),
        }
    }

    /// Whether a visited network asks it, and a home answers.
    #[must_use]
    pub const fn is_asked_by_visited(self) -> bool {
        match self {
            Self::SendAuthenticationInfo
            | Self::UpdateLocation
            | Self::Bind
            | Self::PurgeMs
            | Self::RestoreData => true,
            Self::InsertSubscriberData | Self::DeleteSubscriberData | Self::CancelLocation | Self::Reset => {
                false
            }
        }
    }

    /// The subsystem that asks, and the one that is asked.
    #[must_use]
    pub const fn subsystems(self) -> (u8, u8) {
        if self.is_asked_by_visited() { (VLR, HLR) } else { (HLR, VLR) }
    }

    /// Whether the home may insert a subscriber's data before it answers.
    #[must_use]
    pub const fn takes_subscriber_data(self) -> bool {
        matches!(self, Self::UpdateLocation | Self::RestoreData)
    }
}

/// Whether anything is spoken in this context here, and if not, the version of it that is.
pub(super) fn context_spoken(context: ApplicationContext) -> Result<(), Option<ApplicationContext>> {
    let known = [
        Kind::UpdateLocation,
        Kind::CancelLocation,
        Kind::Reset,
        Kind::SendAuthenticationInfo,
        Kind::InsertSubscriberData,
        Kind::PurgeMs,
    ];
    let ours = known.iter().map(|kind| kind.context()).find(|ours| ours.name == context.name);
    if ours == Some(context) { Ok(()) } else { Err(ours) }
}
