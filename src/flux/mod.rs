//! Revision-aware waits for sources, Kustomizations, `HelmRelease`s and workloads.
