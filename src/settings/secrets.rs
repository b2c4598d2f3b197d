//! External Secrets, which brings credentials into the cluster.

super::table::section! {
    /// External Secrets, which brings credentials into the cluster.
    pub struct Secrets {
        /// Namespace of the operator.
        namespace: String = "external-secrets".into(),
        /// The `ClusterSecretStore` that credentials come from.
        store: String = "onepassword".into(),
        /// Flux Kustomization that deploys the operator and its store.
        kustomization: String = "external-secrets".into(),
    }
}
