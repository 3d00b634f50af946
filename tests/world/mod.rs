//! A world in a box: virtual time, virtual networks, real protocol machines.
