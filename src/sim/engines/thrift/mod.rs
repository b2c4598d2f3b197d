//! Thrift's binary protocol over a fresh Hive catalog.

mod catalog;
mod session;
mod wire;

pub(super) use catalog::Catalog;
pub(super) use session::serve;
