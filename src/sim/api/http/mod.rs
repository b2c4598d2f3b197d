//! HTTP: paths, parameters and media types on one side, calls on the other.

mod accept;
mod answer;
mod body;
mod client;
mod handle;
mod listen;
mod params;
mod path;
mod rest;
#[cfg(test)]
mod tests;
mod watching;

pub use listen::Listener;
