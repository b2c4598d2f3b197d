//! What a container of Hive says, and how it ends.

use super::hive::Hive;

/// The end of a container that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its exit code.
    pub code: i32,
    /// What it wrote, the first line says that it is simulated.
    pub log: Vec<String>,
}

impl Played {
    /// The schema tool: `schematool -initOrUpgradeSchema`.
    pub(super) fn of(hive: &Hive) -> Self {
        let mut log = vec![
            "simulated: the schema tool never ran".to_owned(),
            format!("Metastore connection URL:\t {}", hive.url),
            "Metastore connection Driver :\t org.postgresql.Driver".to_owned(),
        ];
        let failed = |mut log: Vec<String>, lines: &[String]| {
            log.extend_from_slice(lines);
            log.push("*** schemaTool failed ***".to_owned());
            Self { code: 1, log }
        };
        let schema = match (&hive.database, hive.schema()) {
            (Err(why), _) => {
                let first =
                    "org.apache.hadoop.hive.metastore.HiveMetaException: Failed to get schema version.".to_owned();
                return failed(log, &[first, format!("Underlying cause: org.postgresql.util.PSQLException : {why}")]);
            }
            (Ok(_), None) => {
                return failed(log, &[format!("unknown to the simulator: the schema of Hive {}", hive.release)]);
            }
            (Ok(_), Some(schema)) => schema,
        };
        log.extend([
            format!("Starting metastore schema initialization to {schema}"),
            format!("Initialization script hive-schema-{schema}.postgres.sql"),
            "Initialization script completed".to_owned(),
            "schemaTool completed".to_owned(),
        ]);
        Self { code: 0, log }
    }
}
