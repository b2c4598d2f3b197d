//! Rook-Ceph: object store and storage classes.

super::table::section! {
    /// Rook-Ceph: object store and storage classes.
    pub struct Storage {
        /// Namespace of the Ceph cluster and its object store.
        namespace: String = "storage".into(),
        /// Name of the `CephObjectStore`.
        object_store: String = "storage".into(),
        /// Service of its S3 gateway, in the same namespace.
        rgw_service: String = "rook-ceph-rgw-storage".into(),
        /// Port of that Service.
        rgw_port: u16 = 80,
        /// Region that S3 clients sign for.
        region: String = "us-east-1".into(),
        /// Storage class of block volumes.
        block: String = "ceph-block".into(),
        /// Storage class of buckets.
        bucket: String = "ceph-bucket".into(),
        /// Flux Kustomization that deploys the Ceph cluster.
        kustomization: String = "rook-ceph-cluster".into(),
    }
}
