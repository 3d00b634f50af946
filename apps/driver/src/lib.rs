//! What carries a machine's steps to sockets and streams.
