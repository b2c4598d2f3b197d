//! `CloudNativePG`, the operator behind every database.

super::table::section! {
    /// `CloudNativePG`, the operator behind every database.
    pub struct Postgres {
        /// Namespace of the operator.
        namespace: String = "cnpg-system".into(),
        /// Flux Kustomization that deploys the operator.
        kustomization: String = "cloudnative-pg".into(),
        /// Image of every database.
        image: String = "ghcr.io/cloudnative-pg/postgresql:17.6-standard-trixie".into(),
    }
}
