//! Against a transport in the process that answers like an API server.

mod connecting;
mod dry_runs;
mod explaining;
mod kinds;
mod reads;
mod refusals;
mod schemas;
mod watching;
mod writing;

#[test]
fn a_cluster_may_be_used_from_several_threads() {
    fn shareable<T: Send + Sync + Clone + 'static>() {}
    fn sendable<T: Send>(_: &T) {}
    shareable::<super::Cluster>();
    drop(async {
        let cluster = super::fake::cluster(|_| None);
        sendable(&cluster.get("pod", None, "x"));
        sendable(&cluster.list("pod", &super::Query::default()));
        sendable(&cluster.watch("pod", None, "x"));
        sendable(&cluster.dry_run(&[]));
        sendable(&cluster.port_forward("a", "b", 1));
        sendable(&cluster.exec("a", "b", None, &["ls"]));
        sendable(&super::why::why(&cluster, &serde_json::Value::Null));
    });
}
