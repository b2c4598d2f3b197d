//! How the Go types behind the server's own kinds are named in errors, and read from the embedded data.

use super::schema::{GoType, NodeRef, Own};

impl GoType {
    /// As Go prints it in an error.
    pub fn shown(&self) -> String {
        match self {
            Self::Bool => "bool".into(),
            Self::Int(bits) => {
                if *bits == 0 {
                    "int".into()
                } else {
                    format!("int{bits}")
                }
            }
            Self::Uint(bits) => format!("uint{bits}"),
            Self::Float => "float64".into(),
            Self::Text => "string".into(),
            Self::Any => "interface {}".into(),
            Self::Pointer(inner) => inner.shown(),
            Self::Slice(inner) => format!("[]{}", inner.in_composite()),
            Self::Map(key, inner) => format!("map[{key}]{}", inner.in_composite()),
            Self::Named(name, _) => name.clone(),
            Self::Struct(node) => node.go.as_ref().map(|go| go.full.clone()).unwrap_or_default(),
            Self::Own(own) => own.shown().into(),
        }
    }

    fn in_composite(&self) -> String {
        if let Self::Pointer(inner) = self { format!("*{}", inner.shown()) } else { self.shown() }
    }

    /// Reads the form in which the embedded data has it; `named` finds structs.
    pub(super) fn parse(text: &str, named: &mut dyn FnMut(&str) -> NodeRef) -> Self {
        let boxed = |rest: &str, named: &mut dyn FnMut(&str) -> NodeRef| Box::new(Self::parse(rest, named));
        if let Some(rest) = text.strip_prefix('*') {
            return Self::Pointer(boxed(rest, named));
        }
        if let Some(rest) = text.strip_prefix("[]") {
            return Self::Slice(boxed(rest, named));
        }
        if let Some((key, rest)) = text.strip_prefix('{').and_then(|t| t.split_once('}')) {
            return Self::Map(key.to_owned(), boxed(rest, named));
        }
        if let Some((name, rest)) = text.strip_prefix('@').and_then(|t| t.split_once('=')) {
            return Self::Named(name.to_owned(), boxed(rest, named));
        }
        if let Some(name) = text.strip_prefix('#') {
            let last = name.rsplit('.').next().unwrap_or(name);
            return match last {
                "Quantity" => Self::Own(Own::Quantity),
                "Time" => Self::Own(Own::Time),
                "MicroTime" => Self::Own(Own::MicroTime),
                "IntOrString" => Self::Own(Own::IntOrString),
                "RawExtension" | "FieldsV1" | "JSON" => Self::Own(Own::Raw),
                "JSONSchemaPropsOrArray" | "JSONSchemaPropsOrBool" | "JSONSchemaPropsOrStringArray" => {
                    let props = name.rfind("Or").map_or(name, |at| &name[..at]);
                    let props = props.strip_suffix("OrString").unwrap_or(props);
                    Self::Own(Own::Props(named(props)))
                }
                _ => Self::Struct(named(name)),
            };
        }
        match text {
            "bool" => Self::Bool,
            "int" => Self::Int(0),
            "int32" => Self::Int(32),
            "int64" => Self::Int(64),
            "uint8" => Self::Uint(8),
            "uint32" => Self::Uint(32),
            "uint64" => Self::Uint(64),
            "float64" => Self::Float,
            "string" => Self::Text,
            _ => Self::Any,
        }
    }
}

impl Own {
    fn shown(&self) -> &'static str {
        match self {
            Self::Quantity => "resource.Quantity",
            Self::Time => "v1.Time",
            Self::MicroTime => "v1.MicroTime",
            Self::IntOrString => "intstr.IntOrString",
            Self::Raw => "runtime.RawExtension",
            Self::Props(_) => "v1.JSONSchemaProps",
        }
    }
}
