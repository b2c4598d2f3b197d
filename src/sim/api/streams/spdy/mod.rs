//! SPDY/3.1 as kubectl speaks it: the server's side of streams that the client opens.
//!
//! The true server's library knows no flow control, neither do we: window updates are read and count for nothing.

mod connection;
mod frame;
mod headers;

pub(super) use connection::{Connection, Stream};

#[cfg(test)]
mod tests;
