//! What listens in the pods of databases and catalogs, as far as the objects of the cluster say that it is there.
//!
//! Models, not engines: they answer on the wire what a fresh installation answers, and refuse every other question.

mod database;
mod hive;
mod listeners;
mod played;
mod sql;
mod thrift;

pub use listeners::Engines;
pub use played::Played;

#[cfg(test)]
mod tests;
