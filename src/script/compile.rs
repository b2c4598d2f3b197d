//! Compiling a script with all that it imports.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, OptimizationLevel, ParseErrorType, Position, Scope};

use crate::error::{Code, Error, Result};
use crate::script::error::{Texts, from_parse, place};
use crate::script::library::{Library, Source};
use crate::script::walk::{self, Seen};
use crate::script::{jail, names};

/// An engine to compile on: knows every module, and runs nothing.
pub struct Compiler {
    /// The engine; it leaves trees as they are written.
    pub engine: Engine,
    /// Names of the modules it knows.
    pub modules: Vec<&'static str>,
}

/// A script and its imports, compiled.
#[derive(Clone)]
pub struct Program {
    /// Path of the script below `scripts/`.
    pub entry: String,
    /// The texts of all files in it.
    pub texts: Texts,
    /// As written, for the check: by path below `scripts/`.
    pub written: Arc<BTreeMap<String, AST>>,
    /// Optimised, to run.
    pub ready: Arc<BTreeMap<String, AST>>,
}

impl Program {
    /// Compiles the script at `path` and its imports on `engine`, which knows every function.
    pub fn load(library: &Library, path: &str, compiler: &Compiler) -> Result<Self> {
        Self::of(library, library.read(path)?, compiler)
    }

    /// Compiles `source` and its imports.
    pub fn of(library: &Library, source: Source, compiler: &Compiler) -> Result<Self> {
        let entry = source.path.clone();
        let engine = &compiler.engine;
        let mut work = Work { library, compiler, texts: BTreeMap::new(), written: BTreeMap::new(), open: Vec::new() };
        work.add(source)
            .map_err(|e| if e.notes().iter().any(|n| n == NOTHING_RUN) { e } else { e.note(NOTHING_RUN) })?;
        let scope = Scope::new();
        let ready = work.written.iter().map(|(path, ast)| {
            let mut ast = engine.optimize_ast(&scope, ast.clone(), OptimizationLevel::Simple);
            ast.set_source(path.as_str());
            (path.clone(), ast)
        });
        let ready = Arc::new(ready.collect());
        Ok(Self { entry, texts: Arc::new(work.texts), written: Arc::new(work.written), ready })
    }

    /// The tree of the script itself, as written.
    pub fn tree(&self) -> &AST {
        &self.written[&self.entry]
    }

    /// Names of the script's own public functions that take `params` parameters, in the order of their declaration.
    pub fn functions(&self, params: usize) -> Vec<String> {
        let text = self.texts.get(&self.entry).map_or("", String::as_str);
        let mut found: Vec<_> = walk::bodies(self.tree())
            .into_iter()
            .filter(|f| f.public && f.params.len() == params && !f.name.starts_with("anon$"))
            .map(|f| (declared_at(text, &f.name), f.name))
            .collect();
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    }
}

/// The line on which `fn name` stands.
pub fn declared_at(text: &str, name: &str) -> usize {
    let declares = |line: &str| {
        let head = line.trim_start().strip_prefix("fn ").map(str::trim_start);
        head.and_then(|head| head.strip_prefix(name)).is_some_and(|rest| rest.trim_start().starts_with('('))
    };
    text.lines().position(declares).unwrap_or(usize::MAX)
}

struct Work<'a> {
    library: &'a Library,
    compiler: &'a Compiler,
    texts: BTreeMap<String, String>,
    written: BTreeMap<String, AST>,
    open: Vec<String>,
}

impl Work<'_> {
    fn add(&mut self, source: Source) -> Result<()> {
        let path = source.path;
        self.texts.insert(path.clone(), source.text);
        let text = &self.texts[&path];
        let mut ast = self.compiler.engine.compile(text).map_err(|error| {
            let found = from_parse(&error, &path, &self.texts);
            self.explain(error.err_type(), found, text)
        })?;
        ast.set_source(path.as_str());
        self.open.push(path.clone());
        for (import, position) in imports(&ast) {
            self.import(&path, import.as_deref(), position)?;
        }
        self.open.pop();
        self.written.insert(path, ast);
        Ok(())
    }

    fn import(&mut self, importer: &str, import: Option<&str>, position: Position) -> Result<()> {
        let at = |error: Error| match place(&self.texts, importer, position, "import".len()) {
            Some(place) => error.at(place),
            None => error,
        };
        let Some(import) = import else {
            return Err(at(Error::new(Code::Script, "the path of an import must stand there as text")));
        };
        let file = jail::import(import).map_err(at)?;
        if self.written.contains_key(&file) {
            return Ok(());
        }
        if self.open.contains(&file) {
            let circle =
                self.open.iter().skip_while(|open| **open != file).cloned().collect::<Vec<_>>().join(" imports ");
            return Err(at(Error::new(Code::Script, format!("imports in a circle: {circle} imports {file}"))));
        }
        let source = self.library.read(&file).map_err(at)?;
        self.add(source)
    }

    /// Adds the nearest name to an error about an unknown one.
    fn explain(&self, kind: &ParseErrorType, error: Error, text: &str) -> Error {
        let (name, near) = match kind {
            ParseErrorType::VariableUndefined(name) => (name, names::nearest(name, declared(text)).map(str::to_owned)),
            ParseErrorType::ModuleUndefined(name) => {
                let known = self.compiler.modules.iter().copied().chain(aliases(text));
                (name, names::nearest(name, known).map(str::to_owned))
            }
            _ => return error,
        };
        let Some(first) = error.places().first().cloned() else { return error };
        let mut place = first.with_length(name.chars().count());
        if let Some(near) = near {
            place = place.with_label(format!("did you mean `{near}`?"));
        }
        Error::new(error.code(), error.message()).at(place)
    }
}

/// The note of every error that was found before a script ran.
pub const NOTHING_RUN: &str = "nothing was run";

/// Imports of a tree: path (where it is a literal) and place.
fn imports(ast: &AST) -> Vec<(Option<String>, Position)> {
    let mut found = Vec::new();
    walk::each(ast, |seen, _| {
        if let Seen::Import { path, position, .. } = seen {
            found.push((path.map(str::to_owned), position));
        }
    });
    found
}

/// Names that a text declares: after `let`, `const`, `for` and in heads of functions and closures.
fn declared(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let after: Vec<&str> = words.collect();
    let named = after.windows(2).filter(|pair| matches!(pair[0], "let" | "const" | "for")).map(|pair| pair[1]);
    let heads =
        text.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.split_once('(')?.1.split_once(')'));
    let params = heads.flat_map(|(params, _)| params.split(',').map(str::trim));
    named.chain(params).filter(|name| !name.is_empty()).collect::<Vec<_>>().into_iter()
}

/// Names that imports go by.
fn aliases(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| line.trim_start().starts_with("import "))
        .filter_map(|line| line.rsplit_once(" as ").map(|(_, alias)| alias.trim().trim_end_matches(';').trim()))
}

/// Gives a running engine the imports that were compiled with the script, and no others.
pub struct Imports {
    ready: Arc<BTreeMap<String, AST>>,
    made: Mutex<BTreeMap<String, Arc<Module>>>,
}

impl Imports {
    /// The imports of `program`.
    pub fn of(program: &Program) -> Self {
        Self { ready: Arc::clone(&program.ready), made: Mutex::default() }
    }
}

impl ModuleResolver for Imports {
    fn resolve(
        &self,
        engine: &Engine,
        _: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Arc<Module>, Box<EvalAltResult>> {
        let refused = |error: &Error| crate::script::thrown::throw(error, position);
        let file = jail::import(path).map_err(|e| refused(&e))?;
        if let Some(module) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&file) {
            return Ok(Arc::clone(module));
        }
        let ast =
            self.ready.get(&file).ok_or_else(|| Box::new(EvalAltResult::ErrorModuleNotFound(path.into(), position)))?;
        let module = Module::eval_ast_as_new(Scope::new(), ast, engine)
            .map_err(|error| Box::new(EvalAltResult::ErrorInModule(path.into(), error, position)))?;
        let module = Arc::new(module);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(file, Arc::clone(&module));
        Ok(module)
    }
}
