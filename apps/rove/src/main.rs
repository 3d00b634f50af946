//! The `rove` program.

fn main() {}
