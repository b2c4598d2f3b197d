//! Flux, and where its files lie in the repository.

use super::Span;

super::table::section! {
    /// Flux, and where its files lie in the repository.
    pub struct Flux {
        /// Namespace of Flux' controllers and of the Kustomizations that are written.
        namespace: String = "flux-system".into(),
        /// The `GitRepository` that the Kustomizations take their files from.
        source: String = "flux-system".into(),
        /// Folder of the applications, one folder a namespace.
        apps: String = "kubernetes/apps".into(),
        /// Folder of Helm and OCI repositories, one file each.
        repos: String = "kubernetes/flux/meta/repos".into(),
        /// Folder of the root Kustomizations.
        cluster: String = "kubernetes/flux/cluster".into(),
        /// The kustomize Component that every namespace shares.
        components: String = "kubernetes/components/common".into(),
        /// How often Flux looks at a Kustomization again.
        interval: Span = Span::new("30m").unwrap_or_default(),
        /// How long Flux waits for what a Kustomization applied to become healthy.
        timeout: Span = Span::new("10m").unwrap_or_default(),
    }
}
