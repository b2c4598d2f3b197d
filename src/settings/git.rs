//! The Git repository that Flux reads.

super::table::section! {
    /// The Git repository that Flux reads.
    pub struct Git {
        /// Remote that commits are pushed to.
        remote: String = "origin".into(),
        /// Branch that is pushed to; empty for the one that the current branch follows.
        branch: String = String::new(),
    }
}
