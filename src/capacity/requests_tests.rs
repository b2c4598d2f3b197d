use serde_json::json;

use super::*;

const MI: i64 = 1 << 20;

fn container(cpu: &str, memory: &str) -> Value {
    json!({"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}})
}

fn both(spec: &Value) -> (i64, i64) {
    let requests = effective(spec);
    (requests.cpu_milli, requests.memory / MI)
}

#[test]
fn containers_add_up_and_limits_stand_in_for_requests() {
    let spec = json!({"containers": [
        container("100m", "64Mi"),
        {"name": "d", "resources": {"limits": {"cpu": 1, "memory": "128Mi"}}},
        {"name": "e", "resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "2", "memory": "32Mi"}}},
        {"name": "f"},
    ]});
    assert_eq!(both(&spec), (1150, 224));
}

#[test]
fn init_containers_count_as_the_largest_step() {
    let spec = json!({
        "initContainers": [container("2", "100Mi"), container("100m", "500Mi")],
        "containers": [container("500m", "200Mi")],
    });
    assert_eq!(both(&spec), (2000, 500));
}

#[test]
fn restartable_init_containers_stay_and_hold_up_later_steps() {
    let mut sidecar = container("300m", "100Mi");
    sidecar["restartPolicy"] = json!("Always");
    let spec = json!({
        "initContainers": [container("1", "10Mi"), sidecar, container("1", "450Mi")],
        "containers": [container("500m", "200Mi")],
    });
    // app 500m+300m, 300Mi; third step 1+300m, 450Mi+100Mi
    assert_eq!(both(&spec), (1300, 550));
}

#[test]
fn pod_level_requests_replace_the_sum_and_overhead_comes_on_top() {
    let spec = json!({
        "resources": {"requests": {"memory": "1Gi"}, "limits": {"cpu": "3"}},
        "overhead": {"cpu": "250m", "memory": "120Mi"},
        "containers": [{"name": "c", "resources": {"requests": {"memory": "2Gi", "ephemeral-storage": "1Gi"}}}],
    });
    assert_eq!(both(&spec), (3250, 1144));
    assert_eq!(effective(&spec).ephemeral, 1 << 30);
}

#[test]
fn a_resize_counts_the_larger_of_wanted_and_allocated() {
    let mut pod = json!({
        "spec": {"containers": [container("100m", "64Mi")]},
        "status": {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "300m", "memory": "32Mi"},
            "resources": {"requests": {"cpu": "200m", "memory": "32Mi"}}}]},
    });
    let requests = shape_of_pod(&pod).effective();
    assert_eq!((requests.cpu_milli, requests.memory / MI), (300, 64));
    pod["status"]["conditions"] = json!([{"type": "PodResizePending", "reason": "Infeasible"}]);
    assert_eq!(shape_of_pod(&pod).effective().memory / MI, 32);
}

#[test]
fn extended_resources_are_kept_by_name() {
    let spec = json!({"containers": [
        {"name": "c", "resources": {"limits": {"example.com/gpu": "2", "hugepages-2Mi": "4Mi"}}},
    ]});
    assert_eq!(effective(&spec).named(), [("example.com/gpu", 2), ("hugepages-2Mi", 4 * MI)]);
}
