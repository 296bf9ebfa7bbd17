//! The `carrel` command.

fn main() {}
