//! Prometheus and Grafana.

super::table::section! {
    /// Prometheus and Grafana.
    pub struct Monitoring {
        /// Namespace of both.
        namespace: String = "monitoring".into(),
        /// Their `HelmRelease`; also the value of the label `release` that Prometheus selects monitors and rules by.
        release: String = "kube-prometheus-stack".into(),
        /// Service of Prometheus, in the same namespace.
        prometheus_service: String = "kube-prometheus-stack-prometheus".into(),
        /// Port of that Service.
        prometheus_port: u16 = 9090,
        /// Deployment of Grafana, in the same namespace.
        grafana: String = "kube-prometheus-stack-grafana".into(),
        /// Label by which Grafana finds `ConfigMap`s with dashboards (its value is "1").
        dashboard_label: String = "grafana_dashboard".into(),
    }
}
