//! One client wrapper over `kube`: any kind by name, reads that say what they could not see, strict dry runs.
