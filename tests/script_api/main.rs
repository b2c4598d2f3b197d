//! What scripts may call, and the runs of review, execute and validate, on a small cluster in the process.

mod examples;
mod runs;
mod shipped;
mod stage;
mod world;
