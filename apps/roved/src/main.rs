//! The `roved` program.

fn main() {}
