//! The embeddable server: one file per role.
