//! The command line from outside: the binary in a cleared environment, on temporary repositories, against a canned API
//! server on loopback.

mod api;
mod environment;
mod exit_codes;
