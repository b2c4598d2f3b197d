//! Where the initiative's files lie.

super::table::section! {
    /// Where the initiative's ledger and its documentation lie.
    pub struct Initiative {
        /// The ledger: phases, objectives and their status.
        ledger: String = "docs/data-platform/bootstrap/goals.json".into(),
        /// Folder of the pages that an execute writes.
        docs: String = "docs/data-platform/bootstrap".into(),
    }
}
