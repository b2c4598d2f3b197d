//! What is known of a value's shape: structural schemas of custom resources and of the server's own kinds, one form for both.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

/// A shared [`Node`]. Schemas may refer to themselves, so a node is filled in after references to it were given out.
#[derive(Clone, Debug, Default)]
pub struct NodeRef(Arc<OnceLock<Node>>);

impl NodeRef {
    /// A reference to a node that is at hand.
    pub fn new(node: Node) -> Self {
        let this = Self::default();
        this.fill(node);
        this
    }

    /// Says what a reference stands for, once.
    pub(super) fn fill(&self, node: Node) {
        let _ = self.0.set(node);
    }

    /// Whether [`Self::fill`] was called.
    pub(super) fn is_filled(&self) -> bool {
        self.0.get().is_some()
    }
}

impl Deref for NodeRef {
    type Target = Node;

    fn deref(&self) -> &Node {
        static ANYTHING: Node = Node::anything();
        self.0.get().unwrap_or(&ANYTHING)
    }
}

impl From<Node> for NodeRef {
    fn from(node: Node) -> Self {
        Self::new(node)
    }
}

/// The JSON type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Type {
    /// A struct or a map.
    Object,
    /// A list.
    Array,
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Not said: quantities, integer-or-string, raw JSON.
    #[default]
    Any,
}

impl Type {
    /// From `type` of a schema.
    pub fn named(name: &str) -> Self {
        match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => Self::Any,
        }
    }

    /// As a schema writes it; empty for [`Type::Any`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Any => "",
        }
    }
}

/// How server-side apply treats a list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ListType {
    /// Owned as a whole.
    #[default]
    Atomic,
    /// Owned element by element; elements are scalars.
    Set,
    /// Owned element by element; these fields identify one.
    Map(Vec<String>),
}

/// A rule of `x-kubernetes-validations`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Rule {
    /// The expression.
    pub rule: String,
    /// What is said when it is false; may be empty.
    pub message: String,
    /// An expression that makes the message; may be empty.
    pub message_expression: String,
    /// `FieldValueInvalid` if empty.
    pub reason: String,
    /// The field that is blamed, below the rule's own; may be empty.
    pub field_path: String,
    /// `oldSelf` is an optional, and the rule holds for new values too.
    pub optional_old_self: bool,
}

/// Limits of numbers, texts, lists and maps.
#[derive(Clone, Debug, PartialEq, Default)]
#[allow(missing_docs)]
pub struct Bounds {
    pub minimum: Option<f64>,
    pub exclusive_minimum: bool,
    pub maximum: Option<f64>,
    pub exclusive_maximum: bool,
    pub multiple_of: Option<f64>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
}

impl Bounds {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `allOf`, `anyOf`, `oneOf`, `not`: further conditions on a value.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Junctors {
    pub all_of: Vec<NodeRef>,
    pub any_of: Vec<NodeRef>,
    pub one_of: Vec<NodeRef>,
    pub not: Option<NodeRef>,
}

/// A struct of Go: its fields in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct GoStruct {
    /// Without package: `DeploymentSpec`.
    pub name: String,
    /// With package, as Go prints it: `v1.DeploymentSpec`.
    pub full: String,
    /// The fields.
    pub fields: Vec<GoField>,
}

/// A field of a [`GoStruct`].
#[derive(Clone, Debug)]
pub struct GoField {
    /// In JSON.
    pub name: String,
    /// Left out when it is Go's zero value, or empty.
    pub omit_empty: bool,
    /// Left out when it is a struct of zeros.
    pub omit_zero: bool,
    /// Its type.
    pub ty: GoType,
}

/// A type of Go.
#[derive(Clone, Debug)]
pub enum GoType {
    /// `bool`.
    Bool,
    /// `int32`: the bits, signed.
    Int(u32),
    /// `uint8`: the bits.
    Uint(u32),
    /// `float64`.
    Float,
    /// `string`.
    Text,
    /// `interface{}`.
    Any,
    /// `*T`.
    Pointer(Box<GoType>),
    /// `[]T`.
    Slice(Box<GoType>),
    /// `map[key]T`.
    Map(String, Box<GoType>),
    /// A type with a name of its own that is no struct: `v1.PullPolicy`.
    Named(String, Box<GoType>),
    /// A struct.
    Struct(NodeRef),
    /// A type that reads its JSON itself.
    Own(Own),
}

/// Types that read their JSON themselves.
#[derive(Clone, Debug)]
pub enum Own {
    /// `resource.Quantity`
    Quantity,
    /// `metav1.Time`
    Time,
    /// `metav1.MicroTime`
    MicroTime,
    /// `intstr.IntOrString`
    IntOrString,
    /// Anything, kept as it is: raw extensions, `FieldsV1`, JSON within CRDs.
    Raw,
    /// `JSONSchemaPropsOrArray`, `…OrBool`, `…OrStringArray`: an object of this schema, or something else.
    Props(NodeRef),
}

/// The schema of one value.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // Kubernetes' own flags
pub struct Node {
    /// Its JSON type.
    pub ty: Type,
    /// Named fields.
    pub properties: BTreeMap<String, NodeRef>,
    /// The schema of all other fields: a map.
    pub additional: Option<NodeRef>,
    /// `additionalProperties: false`.
    pub closed: bool,
    /// The schema of a list's elements.
    pub items: Option<NodeRef>,
    /// How a list merges.
    pub list_type: ListType,
    /// `x-kubernetes-map-type: atomic`: a struct or map that is owned as a whole.
    pub atomic: bool,
    /// `merge`, `replace`, `retainKeys` of a strategic merge patch.
    pub patch_strategy: Vec<String>,
    /// The field that identifies elements in a strategic merge patch.
    pub patch_merge_key: Option<String>,
    /// Filled in when absent. Of the server's own kinds only declared defaults that keys of lists need (`protocol: TCP`).
    pub default: Option<Value>,
    /// The values allowed; all if empty.
    pub enums: Vec<Value>,
    /// `date-time`, `int32`, …; may be empty.
    pub format: String,
    /// A regular expression.
    pub pattern: Option<String>,
    /// Limits.
    pub bounds: Bounds,
    /// Fields that must be there.
    pub required: Vec<String>,
    /// Unknown fields are kept.
    pub preserve_unknown: bool,
    /// An integer or a text.
    pub int_or_string: bool,
    /// A whole object with apiVersion, kind and metadata.
    pub embedded_resource: bool,
    /// Null is a value.
    pub nullable: bool,
    /// Rules in CEL.
    pub rules: Vec<Rule>,
    /// Further conditions.
    pub junctors: Junctors,
    /// The Go type, for the server's own kinds.
    pub go: Option<Arc<GoStruct>>,
}

impl Node {
    /// A node that says nothing and keeps everything.
    pub const fn anything() -> Self {
        Self {
            ty: Type::Any,
            properties: BTreeMap::new(),
            additional: None,
            closed: false,
            items: None,
            list_type: ListType::Atomic,
            atomic: false,
            patch_strategy: Vec::new(),
            patch_merge_key: None,
            default: None,
            enums: Vec::new(),
            format: String::new(),
            pattern: None,
            bounds: Bounds {
                minimum: None,
                exclusive_minimum: false,
                maximum: None,
                exclusive_maximum: false,
                multiple_of: None,
                min_length: None,
                max_length: None,
                min_items: None,
                max_items: None,
                unique_items: false,
                min_properties: None,
                max_properties: None,
            },
            required: Vec::new(),
            preserve_unknown: true,
            int_or_string: false,
            embedded_resource: false,
            nullable: true,
            rules: Vec::new(),
            junctors: Junctors { all_of: Vec::new(), any_of: Vec::new(), one_of: Vec::new(), not: None },
            go: None,
        }
    }

    /// The schema of a field: a named one, else that of the map's values.
    pub fn field(&self, name: &str) -> Option<&Node> {
        self.properties.get(name).or(self.additional.as_ref()).map(|node| &**node)
    }

    /// Whether this is a map with free keys (and no struct).
    pub fn is_map(&self) -> bool {
        self.additional.is_some()
    }

    /// The node at a path of field names; `[]` steps into a list.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        let mut node = self;
        for step in path {
            node = if *step == "[]" { node.items.as_deref()? } else { node.field(step)? };
        }
        Some(node)
    }

    /// Whether a strategic merge patch merges (list elements or map entries) here.
    pub fn patches_by(&self, strategy: &str) -> bool {
        self.patch_strategy.iter().any(|s| s == strategy)
    }
}
