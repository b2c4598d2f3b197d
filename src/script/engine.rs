//! Engines: one that knows every function, to compile and check on, and one a profile, to run on.

use std::any::TypeId;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use rhai::packages::{Package as _, StandardPackage};
use rhai::plugin::RhaiFunc;
use rhai::{
    Dynamic, Engine, EvalAltResult, FuncRegistration, Module, NativeCallContext, OptimizationLevel, Position, Scope,
};

use crate::cancel::Cancel;
use crate::error::{Code, Error, Place};
use crate::script::call::Call;
use crate::script::compile::{Compiler, Imports, Program, declared_at};
use crate::script::profile::Profile;
use crate::script::registry::{Function, Registry, Section, Shape};
use crate::script::{error, names, thrown};

/// Steps that a script may take in one call.
pub const OPERATIONS: u64 = 10_000_000;
/// Levels of calls.
pub const CALL_LEVELS: usize = 64;
/// Elements of an array or a map, counted through what it holds.
pub const ELEMENTS: usize = 2_000_000;
/// Texts that an engine keeps once however often they occur (as `Engine::new` sets it).
const INTERNED: usize = 256;
/// Bytes of a text.
pub const TEXT: usize = 16 << 20;

/// The language without any function of the host: limits set, `eval` gone, silence turned into errors.
pub fn bare() -> Engine {
    // As `Engine::new` does it, which would make the standard package anew for each of many threads.
    static STANDARD: LazyLock<Arc<Module>> = LazyLock::new(|| StandardPackage::new().as_shared_module());
    let mut engine = Engine::new_raw();
    engine.set_max_strings_interned(INTERNED);
    engine.register_global_module(Arc::clone(&STANDARD));
    engine.set_optimization_level(OptimizationLevel::Simple);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(true);
    engine.set_allow_shadowing(true);
    engine.disable_symbol("eval");
    engine.set_max_operations(OPERATIONS);
    engine.set_max_call_levels(CALL_LEVELS);
    engine.set_max_expr_depths(64, 32);
    engine.set_max_string_size(TEXT);
    engine.set_max_array_size(ELEMENTS);
    engine.set_max_map_size(ELEMENTS);
    engine.set_max_variables(500);
    engine.set_max_functions(500);
    engine.set_max_modules(50);
    engine.on_map_missing_property(|map, name, _| Err(thrown::throw(&missing(map, name), Position::NONE)));
    engine
}

fn missing(map: &rhai::Map, name: &str) -> Error {
    let error = Error::new(Code::Script, format!("no property `{name}` in this map"));
    let near = names::nearest(name, map.keys().map(rhai::Identifier::as_str));
    error.hint(match near {
        Some(near) => format!("Did you mean `{near}`? For one that may be absent: m.get(\"{name}\") ?? default"),
        None if map.is_empty() => format!("The map is empty. For one that may be absent: m.get(\"{name}\") ?? default"),
        None => {
            let keys: Vec<_> = map.keys().take(12).map(rhai::Identifier::as_str).collect();
            format!("It has: {}. For one that may be absent: m.get(\"{name}\") ?? default", keys.join(", "))
        }
    })
}

/// What compiles scripts: it knows every module of `registry`, and runs nothing.
pub fn compiler<S: Send + Sync + 'static>(registry: &Registry<S>) -> Compiler {
    let mut engine = bare();
    engine.set_optimization_level(OptimizationLevel::None);
    let mut modules = Vec::new();
    for section in registry.sections {
        if let Some(handle) = &section.handle {
            (handle.register)(&mut engine);
        } else if !section.name.is_empty() {
            engine.register_static_module(section.name, Arc::new(Module::new()));
            modules.push(section.name);
        }
    }
    Compiler { engine, modules }
}

/// An engine to run on: what `profile` offers, on `state`; stops when `cancel` says so.
pub fn of_profile<S: Send + Sync + 'static>(
    registry: &Registry<S>,
    profile: Profile,
    state: &Arc<S>,
    cancel: &Cancel,
) -> Engine {
    let mut engine = bare();
    for section in registry.sections.iter().filter(|section| section.offered(profile)) {
        let mut module = Module::new();
        for function in section.functions.iter().filter(|f| f.profiles.contain(profile)) {
            register(&mut module, section, function, state);
        }
        match (&section.handle, section.name) {
            (Some(handle), _) => {
                (handle.register)(&mut engine);
                engine.register_global_module(Arc::new(module));
            }
            (None, "") => {
                engine.register_global_module(Arc::new(module));
            }
            (None, name) => {
                engine.register_static_module(name, Arc::new(module));
            }
        }
    }
    let cancel = cancel.clone();
    engine.on_progress(move |operations| {
        const EVERY: u64 = 256;
        if !operations.is_multiple_of(EVERY) {
            return None;
        }
        cancel.check().err().map(|stop| error::termination(&stop))
    });
    engine
}

/// Registers `function` once for every number of arguments that it takes.
fn register<S: Send + Sync + 'static>(
    module: &mut Module,
    section: &Section<S>,
    function: &'static Function<S>,
    state: &Arc<S>,
) {
    let handle = section.handle.as_ref().map(|handle| (handle.id)());
    let (least, most) = function.arity();
    let name: Arc<str> = section.qualified(function).into();
    for count in least..=most {
        let types: Vec<_> = handle.into_iter().chain(std::iter::repeat_n(TypeId::of::<Dynamic>(), count)).collect();
        let (state, name) = (Arc::clone(state), Arc::clone(&name));
        let takes_handle = handle.is_some();
        let run = move |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
            let Some(context) = context else {
                return Err(Box::new(EvalAltResult::ErrorSystem(
                    String::new(),
                    "a host function was called without a context".into(),
                )));
            };
            invoke(function, &state, &name, takes_handle, context, args)
        };
        let registered = match function.shape {
            Shape::Property => FuncRegistration::new_getter(function.name),
            _ => FuncRegistration::new(function.name),
        };
        let registered = if takes_handle || section.name.is_empty() {
            registered.in_global_namespace()
        } else {
            registered.in_internal_namespace()
        };
        let native = RhaiFunc::Method { func: Arc::new(run), has_context: true, is_pure: true, is_volatile: true };
        registered.set_into_module_raw(module, types, native);
    }
}

fn invoke<S>(
    function: &'static Function<S>,
    state: &Arc<S>,
    name: &str,
    takes_handle: bool,
    context: NativeCallContext<'_>,
    args: &mut [&mut Dynamic],
) -> Result<Dynamic, Box<EvalAltResult>> {
    let position = context.call_position();
    let source = context.call_source().map(str::to_owned);
    let mut args = args.iter().map(|arg| arg.flatten_clone()).collect::<Vec<_>>().into_iter();
    let handle = if takes_handle { args.next() } else { None };
    let work = AssertUnwindSafe(|| {
        let mut call = match Call::new(context, name, function.params, handle, args.collect()) {
            Ok(call) => call,
            Err(error) => return Err(thrown::throw(&error, position)),
        };
        (function.run)(state, &mut call)
            .map_err(|error| call.carried().unwrap_or_else(|| thrown::throw(&error, position)))
    });
    catch_unwind(work).unwrap_or_else(|panic| {
        // Rhai takes the position from an error that can't be caught, so that it is noted beforehand.
        let mut error = fault(name, panic.as_ref());
        if let (Some(file), Some(line)) = (source, position.line()) {
            error = error.at(Place::new(file, line, position.position().unwrap_or(1)));
        }
        Err(thrown::throw(&error, position))
    })
}

/// A program on an engine of its profile. Belongs to one thread.
pub struct Machine {
    engine: Engine,
    program: Program,
}

impl Machine {
    /// Puts `program` on an engine that offers what `profile` may call, on `state`.
    pub fn new<S: Send + Sync + 'static>(
        registry: &Registry<S>,
        profile: Profile,
        state: &Arc<S>,
        cancel: &Cancel,
        program: Program,
    ) -> Self {
        let mut engine = of_profile(registry, profile, state, cancel);
        engine.set_module_resolver(Imports::of(&program));
        Self { engine, program }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Calls the script's own `function`.
    pub fn call(&self, function: &str, args: Vec<Dynamic>) -> crate::error::Result<Dynamic> {
        let ast = &self.program.ready[&self.program.entry];
        self.guard(function, || self.engine.call_fn::<Dynamic>(&mut Scope::new(), ast, function, args))
    }

    /// Runs the whole text: for an expression that a person typed.
    pub fn eval(&self) -> crate::error::Result<Dynamic> {
        let ast = &self.program.ready[&self.program.entry];
        self.guard("eval", || self.engine.eval_ast::<Dynamic>(ast))
    }

    /// Places an error at the head of `function`: for limits and cuts, of which Rhai forgets where they struck.
    fn inside(&self, error: Error, function: &str) -> Error {
        let Some(text) = self.program.texts.get(&self.program.entry) else { return error };
        let line = declared_at(text, function);
        let Ok(line) = u16::try_from(line.saturating_add(1)) else { return error };
        match error::place(
            &self.program.texts,
            &self.program.entry,
            Position::new(line, 1),
            "fn ".len() + function.len(),
        ) {
            Some(place) => error.at(place.with_label("somewhere inside")),
            None => error,
        }
    }

    fn guard(
        &self,
        doing: &str,
        work: impl FnOnce() -> Result<Dynamic, Box<EvalAltResult>>,
    ) -> crate::error::Result<Dynamic> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(found)) => {
                let error = error::from_eval(&found, &self.program.entry, &self.program.texts);
                Err(if error.places().is_empty() { self.inside(error, doing) } else { error })
            }
            Err(panic) => Err(fault(doing, panic.as_ref())),
        }
    }
}

/// A panic of the host, as an error.
pub fn fault(doing: &str, panic: &(dyn std::any::Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    Error::new(
        Code::Internal,
        format!("`{doing}` failed inside dpb: {}", text.unwrap_or_else(|| "no reason given".into())),
    )
    .hint("This is a fault of dpb itself, not of the script: please report it")
}
