//! A run: calls begin as the schedule says, stand, end, and are counted; or come, and are answered.

mod act;
mod campaign;
mod count;
mod pacer;
pub(crate) mod series;
mod stage;
pub(crate) mod users;

pub(crate) use self::{
    act::Act,
    campaign::{Campaign, Plan},
    count::Count,
    stage::{Play, Stage},
};
