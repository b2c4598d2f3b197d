//! Addresses that proofs use in place of a port-forward.

super::table::section! {
    /// Addresses that proofs use in place of a port-forward; empty for a port-forward to a ready pod.
    pub struct Endpoints {
        /// The object store: `http://host:port` or `https://host`.
        s3: String = String::new(),
        /// The metastore's database: `host:port`.
        sql: String = String::new(),
        /// The metastore: `host:port`.
        thrift: String = String::new(),
    }
}
