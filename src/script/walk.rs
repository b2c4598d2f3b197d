//! Walking a script's syntax tree, function by function.
//!
//! The node types belong to Rhai's internals, which is why its version is pinned exactly.

use rhai::{AST, ASTNode, Dynamic, Expr, FnCallExpr, FnPtr, Position, Stmt};

/// A function of a script: its head, and a tree that holds its body alone.
pub struct Body {
    /// Its name; closures have one that starts with `anon$`.
    pub name: String,
    /// Names of its parameters.
    pub params: Vec<String>,
    /// Whether other scripts may call it.
    pub public: bool,
    /// Its body.
    pub ast: AST,
}

/// Every function of `ast`, closures included.
pub fn bodies(ast: &AST) -> Vec<Body> {
    ast.iter_functions()
        .map(|meta| {
            let count = meta.params.len();
            Body {
                name: meta.name.to_owned(),
                params: meta.params.iter().map(ToString::to_string).collect(),
                public: matches!(meta.access, rhai::FnAccess::Public),
                ast: alone(ast, meta.name, count),
            }
        })
        .collect()
}

/// The tree with one function and nothing else. (`clone_functions_only_filtered` of Rhai 1.27 does not filter.)
fn alone(ast: &AST, name: &str, params: usize) -> AST {
    let mut one = ast.clone_functions_only();
    one.retain_functions(|_, _, other, count| other == name && count == params);
    one
}

/// What the check looks at in a tree.
pub enum Seen<'a> {
    /// A call; `method` says whether it is `value.name(…)`.
    Call {
        /// The call.
        call: &'a FnCallExpr,
        /// Its place: where the name stands.
        position: Position,
        /// Whether it was written with a dot.
        method: bool,
    },
    /// A variable of a module: `global::NAME`.
    Constant {
        /// The module.
        module: &'a str,
        /// The name.
        name: &'a str,
        /// Its place.
        position: Position,
    },
    /// A closure, or a function by name.
    Pointer(FnPtr),
    /// An import.
    Import {
        /// The path, where it is a literal.
        path: Option<&'a str>,
        /// The name it goes by.
        alias: &'a str,
        /// Its place.
        position: Position,
    },
}

/// Looks at every node of `ast`; `path` leads from the outermost statement to the node.
pub fn each(ast: &AST, mut look: impl FnMut(Seen<'_>, &[ASTNode<'_>])) {
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        if let Some(seen) = path.last().and_then(|node| seen(*node)) {
            look(seen, path);
        }
        true
    });
}

fn seen(node: ASTNode<'_>) -> Option<Seen<'_>> {
    match node {
        ASTNode::Stmt(Stmt::FnCall(call, position)) | ASTNode::Expr(Expr::FnCall(call, position)) => {
            Some(Seen::Call { call, position: *position, method: false })
        }
        ASTNode::Expr(Expr::MethodCall(call, position)) => Some(Seen::Call { call, position: *position, method: true }),
        ASTNode::Expr(Expr::Variable(variable, _, position)) if !variable.2.is_empty() => {
            Some(Seen::Constant { module: variable.2.root(), name: variable.1.as_str(), position: *position })
        }
        ASTNode::Expr(Expr::DynamicConstant(value, _)) => pointer(value).map(Seen::Pointer),
        ASTNode::Stmt(Stmt::Import(import, position)) => {
            let path = match &import.0 {
                Expr::StringConstant(path, _) => Some(path.as_str()),
                _ => None,
            };
            Some(Seen::Import { path, alias: import.1.as_str(), position: *position })
        }
        _ => None,
    }
}

fn pointer(value: &Dynamic) -> Option<FnPtr> {
    value.clone().try_cast::<FnPtr>()
}

/// The literal in an argument, if it is one.
pub fn literal(expr: &Expr) -> Option<Dynamic> {
    match expr {
        Expr::Array(..) => Some(Dynamic::from_array(Vec::new())),
        Expr::Map(..) => Some(Dynamic::from_map(rhai::Map::new())),
        Expr::InterpolatedString(..) => Some("".into()),
        Expr::BoolConstant(..)
        | Expr::IntegerConstant(..)
        | Expr::FloatConstant(..)
        | Expr::CharConstant(..)
        | Expr::StringConstant(..) => expr.get_literal_value(None),
        _ => None,
    }
}

/// The literal first argument of the call of a function of `module` that encloses the place: the name of a check
/// whose arguments failed.
pub fn enclosing_name(ast: &AST, module: &str, line: usize, column: usize) -> Option<String> {
    let mut found = None;
    each(ast, |seen, path| {
        let Seen::Call { position, .. } = seen else { return };
        if (position.line(), position.position()) != (Some(line), Some(column)) {
            return;
        }
        found = found.take().or_else(|| path.iter().rev().find_map(|node| name_in(*node, module)));
    });
    found
}

fn name_in(node: ASTNode<'_>, module: &str) -> Option<String> {
    match seen(node)? {
        Seen::Call { call, .. } if !call.namespace.is_empty() && call.namespace.root() == module => {
            match call.args.first()? {
                Expr::StringConstant(name, _) => Some(name.to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}
