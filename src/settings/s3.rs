//! The object store's user and buckets for Iceberg.

super::table::section! {
    /// The object store's user and buckets for Iceberg (objective 1.1).
    pub struct S3 {
        /// Name of the `CephObjectStoreUser`.
        user: String = "iceberg".into(),
        /// Names of the buckets.
        buckets: Buckets = Buckets::default(),
        /// What the store tidies up by itself.
        lifecycle: Lifecycle = Lifecycle::default(),
    }
}

super::table::section! {
    /// Names of the buckets.
    pub struct Buckets {
        /// Iceberg tables: data and metadata files.
        tables: String = "iceberg-tables".into(),
        /// Dumps of the metastore and copies of tables.
        backups: String = "iceberg-backups".into(),
        /// Event logs of Spark.
        events: String = "spark-events".into(),
    }
}

super::table::section! {
    /// What the store tidies up by itself.
    pub struct Lifecycle {
        /// Days after which an upload in parts that was never finished is dropped.
        abort_multipart_days: u32 = 7,
        /// Prefix of scratch objects.
        scratch_prefix: String = "scratch/".into(),
        /// Days after which scratch objects expire.
        scratch_days: u32 = 1,
    }
}
