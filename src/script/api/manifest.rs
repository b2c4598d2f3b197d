//! `manifest`: templates, YAML and amounts.

use std::sync::Arc;

use rhai::Dynamic;
use serde_json::Value;

use crate::error::{Code, Result};
use crate::manifest::quantity::{bytes_text, claim_text, milli_text, whole};
use crate::manifest::{Quantity, documents, emit};
use crate::script::call::Call;
use crate::script::registry::{Section, Type, function, optional, param};
use crate::script::value::to_dynamic;

use super::session::Session;

pub(super) const SECTION: Section<Session> = Section {
    name: "manifest",
    summary: "Templates, YAML and amounts.",
    handle: None,
    functions: &[
        function(
            "render",
            &[param("template", Type::Text), optional("vars", Type::Map)],
            "text",
            "Renders a template beside the objective's script (or below `lib/`) with `settings`, `o` and `vars`. Undefined names are errors.",
            render,
        )
        .errors(&[Code::NotFound, Code::Template])
        .example("manifest::render(\"greeting.j2\", #{ who: \"ann\" })", "\"hello ann of data-platform\\n\""),
        function("parse", &[param("text", Type::Text)], "array", "Every document of a YAML text, as kubectl reads it.", parse)
            .errors(&[Code::Invalid])
            .example("manifest::parse(\"kind: Pod\\n---\\nkind: Job\\n\")[1].kind", "\"Job\""),
        function(
            "merge",
            &[param("base", Type::Map), param("over", Type::Map)],
            "map",
            "`base` overlaid by `over`, map by map (RFC 7386): `()` removes a key, arrays are replaced.",
            merge,
        )
        .example("manifest::merge(#{ a: #{ b: 1, c: 2 } }, #{ a: #{ c: (), d: 3 } })", "#{ a: #{ b: 1, d: 3 } }"),
        function("yaml", &[param("value", Type::Any)], "text", "The value as YAML.", yaml).example("manifest::yaml(#{ a: [1, \"yes\"] })", "\"a:\\n  - 1\\n  - \\\"yes\\\"\\n\""),
        function(
            "quantity",
            &[param("text", Type::Any)],
            "integer",
            "An amount as a whole number: bytes, or thousandths of a core where it is written as cores (`400m`, `2 cores`).",
            quantity,
        )
        .errors(&[Code::Invalid])
        .example("[manifest::quantity(\"8GB\"), manifest::quantity(\"1Ki\"), manifest::quantity(\"400m\")]", "[8000000000, 1024, 400]"),
        function("milli", &[param("text", Type::Any)], "integer", "An amount of CPU in thousandths of a core, however it is written.", milli)
            .errors(&[Code::Invalid])
            .example("[manifest::milli(\"2\"), manifest::milli(\"400m\"), manifest::milli(0.5)]", "[2000, 400, 500]"),
        function("bytes", &[param("bytes", Type::Number)], "text", "Bytes for people, by thousands.", bytes).example("manifest::bytes(118400000000)", "\"118.4 GB\""),
        function("claim", &[param("bytes", Type::Number)], "text", "Bytes as claims are written, by 1024.", claim).example("manifest::claim(10737418240)", "\"10Gi\""),
        function("cores", &[param("milli", Type::Number)], "text", "Thousandths of a core for people.", cores).example("manifest::cores(21300) + manifest::cores(300)", "\"21.3300m\""),
    ],
};

fn render(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let vars = if call.len() > 1 { call.json(1)? } else { Value::Null };
    Ok(session.render(&call.text(0), None, vars)?.into())
}

fn parse(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let all = documents(&call.text(0), "the text given to manifest::parse")?;
    Ok(Dynamic::from_array(all.iter().map(|document| to_dynamic(&document.value)).collect()))
}

fn merge(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let mut merged = call.json(0)?;
    json_patch::merge(&mut merged, &call.json(1)?);
    Ok(to_dynamic(&merged))
}

fn yaml(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(emit(&call.json(0)?).into())
}

fn quantity(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(whole(&call.any(0).to_string())?.into())
}

fn milli(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(Quantity::parse(&call.any(0).to_string())?.millis().into())
}

fn amount(call: &Call<'_>) -> u64 {
    let whole = call.integer(0).or_else(|| format!("{:.0}", call.number(0)?).parse().ok());
    whole.map_or(0, |i: i64| u64::try_from(i).unwrap_or(0))
}

fn bytes(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(bytes_text(amount(call)).into())
}

fn claim(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(claim_text(amount(call)).into())
}

fn cores(_: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    Ok(milli_text(amount(call)).into())
}
