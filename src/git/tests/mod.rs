//! On real repositories in temporary folders.

mod commit;
mod fixture;
mod reading;
mod remote;
mod revert;

use fixture::Fixture;
