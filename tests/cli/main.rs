//! The command line from outside: the binary in a cleared environment, on temporary repositories, against a canned API
//! server on loopback.

mod api;
mod bad_cluster;
mod bad_files;
mod bad_repository;
mod cut;
mod environment;
mod exit_codes;
mod full_disk;
mod interrupted;
mod output;
mod stand_in;
