//! Threads, sockets, devices, files and clocks around the voice core.
