//! The check before anything runs: unknown functions, wrong numbers of arguments, forbidden calls, with their places.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, FnCallExpr, Position, Stmt};

use crate::error::{Code, Error};
use crate::script::compile::{Compiler, NOTHING_RUN, Program};
use crate::script::error::place;
use crate::script::profile::Profile;
use crate::script::registry::{Function, Registry, Section};
use crate::script::walk::{self, Body, Seen};
use crate::script::{jail, names};

/// Functions of the language itself that are no registered ones: name, least and most arguments.
const KEYWORDS: [(&str, usize, usize); 9] = [
    ("print", 0, 1),
    ("debug", 0, 2),
    ("type_of", 1, 1),
    ("Fn", 1, 1),
    ("call", 1, 20),
    ("curry", 1, 20),
    ("is_shared", 1, 1),
    ("is_def_var", 1, 1),
    ("is_def_fn", 2, 2),
];

/// All that is wrong with `program`, in the order of files and lines. `entries` are the functions that the host calls,
/// each with its profile; those that the script does not have are left out.
pub fn program<S: 'static>(
    program: &Program,
    registry: &Registry<S>,
    compiler: &Compiler,
    entries: &[(&str, Profile)],
) -> Vec<Error> {
    let files = program.written.iter().map(|(path, ast)| (path.as_str(), File::of(path, ast))).collect();
    let check = Check { program, registry, language: language(compiler), files };
    let mut found = BTreeMap::new();
    for (path, file) in &check.files {
        check.top_level(path, file, &mut found);
        for body in &file.bodies {
            check.body(path, file, body, &mut found);
        }
    }
    for (function, profile) in entries {
        check.reach(function, *profile, &mut found);
    }
    found.into_values().collect()
}

/// Errors by file and place: each place once.
type Found = BTreeMap<(String, usize, usize), Error>;

struct File<'a> {
    ast: &'a AST,
    bodies: Vec<Body>,
    imports: BTreeMap<String, String>,
    constants: BTreeSet<String>,
    exported: BTreeSet<String>,
    variables: BTreeSet<String>,
}

impl<'a> File<'a> {
    fn of(path: &str, ast: &'a AST) -> Self {
        let mut file = Self {
            ast,
            bodies: walk::bodies(ast),
            imports: BTreeMap::new(),
            constants: BTreeSet::new(),
            exported: BTreeSet::new(),
            variables: BTreeSet::new(),
        };
        for statement in ast.statements() {
            if let Stmt::Var(var, flags, _) = statement {
                file.constants.insert(var.0.as_str().to_owned());
                if flags.intersects(rhai::ASTFlags::EXPORTED) {
                    file.exported.insert(var.0.as_str().to_owned());
                }
            }
        }
        walk::each(ast, |seen, _| {
            if let Seen::Import { path: Some(import), alias, .. } = seen
                && let Ok(imported) = jail::import(import)
            {
                file.imports.insert(alias.to_owned(), imported);
            }
        });
        ast.walk(&mut |nodes: &[rhai::ASTNode<'_>]| {
            match nodes.last() {
                Some(rhai::ASTNode::Stmt(Stmt::Var(var, ..))) => {
                    file.variables.insert(var.0.as_str().to_owned());
                }
                Some(rhai::ASTNode::Stmt(Stmt::For(head, _))) => {
                    file.variables.insert(head.0.as_str().to_owned());
                }
                _ => {}
            }
            true
        });
        let params: Vec<_> = file.bodies.iter().flat_map(|body| body.params.clone()).collect();
        file.variables.extend(params);
        debug_assert!(!path.is_empty());
        file
    }

    fn function(&self, name: &str, count: usize) -> Option<&Body> {
        self.bodies.iter().find(|body| body.name == name && body.params.len() == count)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.bodies.iter().map(|body| body.name.as_str()).filter(|name| !name.starts_with("anon$"))
    }
}

struct Check<'a, S: 'static> {
    program: &'a Program,
    registry: &'a Registry<S>,
    language: BTreeMap<String, BTreeSet<usize>>,
    files: BTreeMap<&'a str, File<'a>>,
}

/// What a call leads to.
enum Target<S: 'static> {
    Host(&'static Section<S>, &'static Function<S>),
    Script(String, String, usize),
    Language,
    Unknown(Vec<String>),
    Arguments(String, Option<String>),
}

impl<S: 'static> Check<'_, S> {
    fn top_level(&self, path: &str, file: &File<'_>, found: &mut Found) {
        if path == crate::script::library::EVAL {
            let body =
                Body { name: String::new(), params: Vec::new(), public: false, ast: file.ast.clone_statements_only() };
            self.body(path, file, &body, found);
            return;
        }
        for statement in file.ast.statements() {
            let allowed = match statement {
                Stmt::Var(_, flags, _) => flags.intersects(rhai::ASTFlags::CONSTANT),
                Stmt::Import(..) | Stmt::Noop(..) => true,
                _ => false,
            };
            if !allowed {
                let error = Error::new(Code::Script, "only const, import and fn stand at the top of a script")
                    .hint("Put it into a function: the top of a script is run anew for every call");
                self.add(found, path, statement.position(), 1, None, error);
            }
        }
        walk::each(&file.ast.clone_statements_only(), |seen, _| {
            let Seen::Call { call, position, method } = seen else { return };
            if let Target::Host(section, function) = self.target(file, path, call, method) {
                let error =
                    Error::new(Code::Script, format!("a constant can't call `{}`", section.qualified(function)))
                        .hint("Call it inside a function: constants are computed anew for every call");
                self.add(found, path, position, call.name.chars().count(), None, error);
            }
        });
    }

    fn body(&self, path: &str, file: &File<'_>, body: &Body, found: &mut Found) {
        walk::each(&body.ast, |seen, _| match seen {
            Seen::Call { call, position, method } => self.call(path, file, call, position, method, found),
            Seen::Constant { module, name, position } => self.constant(path, file, module, name, position, found),
            Seen::Pointer(_) | Seen::Import { .. } => {}
        });
    }

    fn call(
        &self,
        path: &str,
        file: &File<'_>,
        call: &FnCallExpr,
        position: Position,
        method: bool,
        found: &mut Found,
    ) {
        let count = call.args.len();
        let name = written(call, method);
        match self.target(file, path, call, method) {
            Target::Unknown(candidates) => {
                let near = names::nearest(&call.name, candidates.iter().map(String::as_str));
                let error = Error::new(Code::Script, format!("no function `{name}` with {}", arguments(count)));
                let label = near.map(|near| format!("did you mean `{near}`?"));
                self.add(found, path, position, call.name.chars().count(), label, error);
            }
            Target::Arguments(takes, signature) => {
                let mut error = Error::new(Code::Script, format!("`{name}` takes {takes}, and here {}", are(count)));
                if let Some(signature) = signature {
                    error = error.hint(signature);
                }
                self.add(found, path, position, call.name.chars().count(), None, error);
            }
            Target::Host(section, function) => {
                for (param, arg) in function.params.iter().zip(&call.args) {
                    let Some(value) = walk::literal(arg).filter(|value| !param.kind.takes(value)) else { continue };
                    let why = param.kind.refusal(&value);
                    let error = Error::new(
                        Code::Script,
                        format!("`{}`: argument `{}`: {why}", section.qualified(function), param.name),
                    );
                    self.add(found, path, arg.position(), 1, None, error);
                }
            }
            Target::Script(..) | Target::Language => {}
        }
    }

    fn constant(&self, path: &str, file: &File<'_>, module: &str, name: &str, position: Position, found: &mut Found) {
        let known: Vec<&str> = if module == "global" {
            file.constants.iter().map(String::as_str).collect()
        } else if let Some(imported) = file.imports.get(module).and_then(|import| self.files.get(import.as_str())) {
            imported.exported.iter().map(String::as_str).collect()
        } else {
            Vec::new()
        };
        if !known.contains(&name) {
            let label = names::nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let mut error = Error::new(Code::Script, format!("no constant `{module}::{name}`"));
            if file.imports.contains_key(module) && label.is_none() {
                error = error.hint("A library shows a constant to others with: export const NAME = …;");
            }
            self.add(found, path, position, name.chars().count(), label, error);
        }
    }

    fn target(&self, file: &File<'_>, path: &str, call: &FnCallExpr, method: bool) -> Target<S> {
        let (name, count) = (call.name.as_str(), call.args.len());
        if call.is_operator_call() || !rhai::is_valid_identifier(name) {
            return Target::Language;
        }
        if method {
            return self.method(file, path, name, count);
        }
        if call.namespace.is_empty() {
            return self.plain(file, path, name, count);
        }
        let module = call.namespace.root();
        if module == "global" {
            return in_file(path, file, name, count, false);
        }
        if let Some(import) = file.imports.get(module) {
            return self
                .files
                .get(import.as_str())
                .map_or(Target::Language, |lib| in_file(import, lib, name, count, true));
        }
        let of_module = self.registry.functions().filter(|(s, _)| s.name == module && s.handle.is_none());
        in_registry(of_module, name, count)
    }

    fn plain(&self, file: &File<'_>, path: &str, name: &str, count: usize) -> Target<S> {
        if file.variables.contains(name) {
            return Target::Language;
        }
        if file.names().any(|own| own == name) {
            return in_file(path, file, name, count, false);
        }
        let global = || self.registry.functions().filter(|(s, _)| s.name.is_empty());
        if global().any(|(_, f)| f.name == name) {
            return in_registry(global(), name, count);
        }
        let mut candidates: Vec<_> = file.names().map(str::to_owned).collect();
        candidates.extend(global().map(|(_, f)| f.name.to_owned()));
        self.in_language(name, count, candidates)
    }

    fn method(&self, file: &File<'_>, path: &str, name: &str, count: usize) -> Target<S> {
        let handles = || self.registry.functions().filter(|(s, _)| s.handle.is_some());
        // A name that the language has too (`map.get`): which one is meant shows only when it runs.
        if self.language.get(name).is_some_and(|counts| counts.contains(&(count + 1))) {
            return Target::Language;
        }
        if let Target::Host(section, function) = in_registry(handles(), name, count) {
            return Target::Host(section, function);
        }
        if let Some(own) = file.function(name, count) {
            return Target::Script(path.to_owned(), own.name.clone(), count);
        }
        if handles().any(|(_, f)| f.name == name) && !self.language.contains_key(name) {
            return in_registry(handles(), name, count);
        }
        let candidates = handles().map(|(_, f)| f.name.to_owned()).collect();
        match self.in_language(name, count + 1, candidates) {
            Target::Arguments(..) => Target::Arguments(self.takes(name, 1), None),
            other => other,
        }
    }

    fn in_language(&self, name: &str, count: usize, mut candidates: Vec<String>) -> Target<S> {
        match self.language.get(name) {
            Some(counts) if counts.contains(&count) => Target::Language,
            Some(_) => Target::Arguments(self.takes(name, 0), None),
            None => {
                candidates.extend(self.language.keys().cloned());
                Target::Unknown(candidates)
            }
        }
    }

    fn takes(&self, name: &str, less: usize) -> String {
        let counts: Vec<_> = self
            .language
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|n| n.checked_sub(less))
            .map(|n| n.to_string())
            .collect();
        match counts.as_slice() {
            [one] => arguments(one.parse().unwrap_or_default()),
            many => format!("{} arguments", many.join(" or ")),
        }
    }

    /// Refuses what `function` calls, itself or through others, and `profile` does not offer.
    fn reach(&self, function: &str, profile: Profile, found: &mut Found) {
        let entry = self.program.entry.as_str();
        let Some(file) = self.files.get(entry) else { return };
        let mut open: Vec<(String, String, usize)> = file
            .bodies
            .iter()
            .filter(|b| b.name == function)
            .map(|b| (entry.to_owned(), b.name.clone(), b.params.len()))
            .collect();
        let mut seen: BTreeSet<_> = open.iter().cloned().collect();
        while let Some((path, name, count)) = open.pop() {
            let Some(file) = self.files.get(path.as_str()) else { continue };
            let Some(body) = file.function(&name, count) else { continue };
            walk::each(&body.ast, |node, _| {
                let mut next = Vec::new();
                match node {
                    Seen::Call { call, position, method } => match self.target(file, &path, call, method) {
                        Target::Host(section, host) if !host.profiles.contain(profile) => {
                            let error = Error::new(
                                Code::Script,
                                format!(
                                    "`{}` is not offered in {}, and `{function}` calls it",
                                    section.qualified(host),
                                    doing(profile)
                                ),
                            )
                            .hint(format!("It is offered in: {}", host.profiles.names()));
                            self.add(found, &path, position, call.name.chars().count(), None, error);
                        }
                        Target::Script(path, name, count) => next.push((path, name, count)),
                        _ => {}
                    },
                    Seen::Pointer(pointer) => {
                        let named = file.bodies.iter().filter(|b| b.name == pointer.fn_name());
                        next.extend(named.map(|b| (path.clone(), b.name.clone(), b.params.len())));
                    }
                    _ => {}
                }
                for target in next {
                    if seen.insert(target.clone()) {
                        open.push(target);
                    }
                }
            });
        }
    }

    fn add(
        &self,
        found: &mut Found,
        path: &str,
        position: Position,
        length: usize,
        label: Option<String>,
        error: Error,
    ) {
        let key = (path.to_owned(), position.line().unwrap_or(0), position.position().unwrap_or(0));
        let mut error = error.note(NOTHING_RUN);
        if let Some(mut place) = place(&self.program.texts, path, position, length) {
            if let Some(label) = label {
                place = place.with_label(label);
            }
            error = error.at(place);
        }
        found.entry(key).or_insert(error);
    }
}

fn in_file<S>(path: &str, file: &File<'_>, name: &str, count: usize, from_outside: bool) -> Target<S> {
    let visible = |body: &&Body| body.name == name && (body.public || !from_outside);
    if file.bodies.iter().filter(visible).any(|body| body.params.len() == count) {
        return Target::Script(path.to_owned(), name.to_owned(), count);
    }
    match file.bodies.iter().find(visible) {
        Some(body) => Target::Arguments(arguments(body.params.len()), None),
        None => Target::Unknown(file.names().map(str::to_owned).collect()),
    }
}

fn in_registry<S>(
    functions: impl Iterator<Item = (&'static Section<S>, &'static Function<S>)>,
    name: &str,
    count: usize,
) -> Target<S> {
    let mut names = Vec::new();
    let mut wrong = None;
    for (section, function) in functions {
        let (least, most) = function.arity();
        if function.name == name {
            if (least..=most).contains(&count) {
                return Target::Host(section, function);
            }
            let takes = if least == most { arguments(most) } else { format!("{least} to {most} arguments") };
            wrong = Some(Target::Arguments(takes, Some(function.signature())));
        }
        names.push(function.name.to_owned());
    }
    wrong.unwrap_or(Target::Unknown(names))
}

/// The functions of the language, with the numbers of arguments they take.
fn language(compiler: &Compiler) -> BTreeMap<String, BTreeSet<usize>> {
    let mut known: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let all = compiler.engine.collect_fn_metadata(
        None,
        |info| Some((info.metadata.name.to_string(), info.metadata.num_params)),
        true,
    );
    for (name, count) in all {
        known.entry(name).or_default().insert(count);
    }
    for (name, least, most) in KEYWORDS {
        known.entry(name.to_owned()).or_default().extend(least..=most);
    }
    known
}

fn written(call: &FnCallExpr, method: bool) -> String {
    if method {
        format!(".{}", call.name)
    } else if call.namespace.is_empty() {
        call.name.to_string()
    } else {
        format!("{}::{}", call.namespace, call.name)
    }
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no argument".into(),
        1 => "1 argument".into(),
        n => format!("{n} arguments"),
    }
}

fn are(count: usize) -> String {
    match count {
        0 => "is none".into(),
        1 => "is 1".into(),
        n => format!("are {n}"),
    }
}

fn doing(profile: Profile) -> &'static str {
    match profile {
        Profile::Review => "a review",
        Profile::Execute => "an execute",
        Profile::Validate => "a validation",
        Profile::Eval => "an eval",
    }
}
