//! Builds what Flux would build from a path; what it does not know is an error, never a silent pass.
