//! Session descriptions: parse, write, offer and answer (RFC 8866, 3264).
