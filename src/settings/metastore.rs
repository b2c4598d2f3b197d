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
        /// Image that fetches the two files below into the pod; it needs curl and sha256sum.
        fetch_image: String = "docker.io/curlimages/curl:8.10.1".into(),
        /// The JDBC driver for the database, which the Hive image lacks.
        driver: Driver = Driver::default(),
        /// Prometheus' JMX exporter, since Hive 4.0 serves no metrics of its own.
        exporter: Exporter = Exporter::default(),
        /// The database behind it.
        database: Database = Database::default(),
    }
}

super::table::section! {
    /// The JDBC driver for the database, which the Hive image lacks.
    pub struct Driver {
        /// Where it is fetched from.
        url: String = "https://repo1.maven.org/maven2/org/postgresql/postgresql/42.7.5/postgresql-42.7.5.jar".into(),
        /// Its SHA-256; another file is refused.
        sha256: String = "69020b3bd20984543e817393f2e6c01a890ef2e37a77dd11d6d8508181d079ab".into(),
    }
}

super::table::section! {
    /// Prometheus' JMX exporter, since Hive 4.0 serves no metrics of its own.
    pub struct Exporter {
        /// Where it is fetched from.
        url: String = "https://repo1.maven.org/maven2/io/prometheus/jmx/jmx_prometheus_javaagent/1.0.1/jmx_prometheus_javaagent-1.0.1.jar".into(),
        /// Its SHA-256; another file is refused.
        sha256: String = "7d61f737fd661610ccc14aea79764faa1ea94a340cbc8f0029b3d2edea3d80c1".into(),
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
