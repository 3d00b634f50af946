//! The options of `rove contacts`.

use clap::Args;

use super::PhoneArgs;

#[derive(Args, Debug)]
pub(crate) struct Contacts {
    #[command(flatten)]
    pub(crate) irmv: super::irmv::IrmvArgs,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
}
