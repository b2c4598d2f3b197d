//! Airflow, as it runs already.

super::table::section! {
    /// Airflow, as it runs already.
    pub struct Airflow {
        /// Namespace of Airflow.
        namespace: String = "airflow".into(),
        /// Its `HelmRelease`.
        release: String = "airflow".into(),
    }
}
