//! What must be free before anything is deployed.

use super::Amount;

super::table::section! {
    /// What must be free before anything is deployed.
    pub struct Limits {
        /// A node is full when more than this percentage of its memory or CPU is requested.
        node_percent: u32 = 70,
        /// Memory that must be schedulable, all nodes together.
        memory: Amount = Amount::new("60GB").unwrap_or_default(),
        /// CPU that must be schedulable, all nodes together, in cores.
        cpu: Amount = Amount::new("6").unwrap_or_default(),
    }
}
