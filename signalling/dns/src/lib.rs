//! Names: authoritative zones, dynamic update, TSIG, and the look-ups of RFC 3263.
