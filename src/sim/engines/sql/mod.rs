//! `PostgreSQL`'s protocol over what a database holds.

mod query;
mod session;

pub(super) use query::Content;
pub(super) use session::serve;
