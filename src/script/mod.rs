//! The Rhai host: engine and profiles, import jail, error chain, async bridge.

pub mod api;
