//! The embeddable phone: register, dial a name, answer, hang up.
