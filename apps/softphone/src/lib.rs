//! The phone with a window: a model without a window, a line to the phone, and what is drawn.
//!
//! ```text
//!  person ─▶ view ─ Wish ─▶ model ─ Ask ─▶ app ─▶ line ─▶ rove-phone
//!            view ◀─ state ─ model ◀─ event ─ app ◀─ line ◀─┘
//! ```

pub mod app;
pub mod line;
pub mod model;
pub mod notify;
pub mod single;
pub mod store;
pub mod theme;
pub mod view;
pub mod words;
