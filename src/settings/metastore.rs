//! The Hive Metastore and its database.

use super::Amount;

super::table::section! {
    /// The Hive Metastore and its database (objective 1.2).
    pub struct Metastore {
        /// Image of the metastore. Spark's built-in Hive client cannot talk to 4.0.1 or later.
        image: String = "docker.io/apache/hive:4.0.0".into(),
        /// Version of the schema in the database, as the metastore's own table VERSION says it.
        schema_version: String = "4.0.0".into(),
        /// Pods of the metastore.
        replicas: u32 = 1,
        /// CPU requested for each.
        cpu: Amount = Amount::new("200m").unwrap_or_default(),
        /// Memory requested for each.
        memory_request: Amount = Amount::new("2Gi").unwrap_or_default(),
        /// Memory that none may exceed.
        memory_limit: Amount = Amount::new("4Gi").unwrap_or_default(),
        /// The database behind it.
        database: Database = Database::default(),
    }
}

super::table::section! {
    /// The database behind it.
    pub struct Database {
        /// Instances; above one they replicate.
        instances: u32 = 1,
        /// Volume of each.
        size: Amount = Amount::new("10Gi").unwrap_or_default(),
        /// CPU requested for each.
        cpu: Amount = Amount::new("100m").unwrap_or_default(),
        /// Memory requested for each.
        memory_request: Amount = Amount::new("1Gi").unwrap_or_default(),
        /// Memory that none may exceed.
        memory_limit: Amount = Amount::new("2Gi").unwrap_or_default(),
    }
}
