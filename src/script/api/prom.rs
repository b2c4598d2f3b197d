//! `prom`: instant queries, through the API server's service proxy.

use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::error::{Code, Error, Result};
use crate::script::call::Call;
use crate::script::registry::{Section, Type, function, param};
use crate::script::value::to_dynamic;

use super::session::Session;

pub(super) const SECTION: Section<Session> = Section {
    name: "prom",
    summary: "Prometheus, as the settings name it (`monitoring`), through the API server's service proxy.",
    handle: None,
    functions: &[function(
        "query",
        &[param("expression", Type::Text)],
        "array",
        "The result of an instant query: `#{metric (its labels), value, at (seconds since 1970)}`, one a series.",
        query,
    )
    .errors(&[Code::Invalid, Code::NotFound, Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout])
    .example("prom::query(\"sum(up)\")[0].value", "3.0")],
};

fn query(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let expression = call.text(0);
    let (namespace, service) =
        (session.host.setting("/monitoring/namespace"), session.host.setting("/monitoring/prometheus_service"));
    let port = session
        .host
        .settings()
        .pointer("/monitoring/prometheus_port")
        .map_or_else(|| "9090".to_owned(), Value::to_string);
    let encoded: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
    let path = format!("api/v1/query?query={encoded}");
    let cluster = session.host.cluster()?;
    let (status, body) = session.host.bridge().block(cluster.proxy_get(namespace, service, &port, &path))?;
    session.read(format!("query Prometheus {namespace}/{service}: {expression}"));
    let answer: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    if answer["status"] != "success" {
        let said = answer["error"].as_str().map_or_else(|| format!("status {status}"), str::to_owned);
        let code = if status >= 500 { Code::Unavailable } else { Code::Invalid };
        return Err(Error::new(code, format!("Prometheus refused `{expression}`: {said}")));
    }
    series(&answer["data"]).map(|all| Dynamic::from_array(all.iter().map(to_dynamic).collect()))
}

/// The series of a vector, or a scalar as one series without labels.
fn series(data: &Value) -> Result<Vec<Value>> {
    let sample = |metric: &Value, pair: &Value| {
        let text = pair[1].as_str().unwrap_or_default();
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
        json!({ "metric": metric, "value": value, "at": pair[0] })
    };
    match data["resultType"].as_str() {
        Some("vector") => {
            let all = data["result"].as_array().map(Vec::as_slice).unwrap_or_default();
            Ok(all.iter().map(|s| sample(&s["metric"], &s["value"])).collect())
        }
        Some("scalar") => Ok(vec![sample(&json!({}), &data["result"])]),
        other => Err(Error::new(
            Code::Invalid,
            format!("an instant query gives a vector or a scalar, this gave {}", other.unwrap_or("nothing")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_scalars() {
        let vector = json!({"resultType": "vector", "result": [{"metric": {"pod": "a"}, "value": [1.5, "NaN"]}]});
        assert_eq!(series(&vector).unwrap(), [json!({"metric": {"pod": "a"}, "value": null, "at": 1.5})]);
        let scalar = json!({"resultType": "scalar", "result": [1, "7"]});
        assert_eq!(series(&scalar).unwrap(), [json!({"metric": {}, "value": 7.0, "at": 1})]);
        assert!(series(&json!({"resultType": "matrix"})).is_err());
    }
}
