//! One call from end to end: target, look-up, offer, media plan, hang-up.
