//! Bytes to samples and back: Opus and G.711, without clock, I/O or allocation after construction.
