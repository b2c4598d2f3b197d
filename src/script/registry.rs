//! What scripts may call, described where it is registered: from one table come the engine's functions, the static
//! check, the documentation and the tests of the examples.

use std::any::TypeId;
use std::sync::Arc;

use rhai::{Dynamic, Engine};

use crate::error::{Code, Result};
use crate::script::call::Call;
use crate::script::profile::{Profile, Profiles};

pub use crate::script::param::{Param, Type, optional, param};

/// An example, which a test runs.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What a script would say.
    pub script: &'static str,
    /// An expression that equals its result; empty where the example stands for itself.
    pub gives: &'static str,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `module::name(…)`, or `name(…)` in the section without a name.
    Function,
    /// `handle.name(…)`.
    Method,
    /// `handle.name`.
    Property,
}

/// A function of the host.
pub struct Function<S: 'static> {
    /// Its name, without module.
    pub name: &'static str,
    /// How it is called.
    pub shape: Shape,
    /// Its parameters; for a method without the handle.
    pub params: &'static [Param],
    /// What it returns.
    pub returns: &'static str,
    /// What it does: one or two sentences.
    pub summary: &'static str,
    /// The codes of its own errors (besides `invalid` for a wrong argument).
    pub errors: &'static [Code],
    /// How it is used.
    pub example: Example,
    /// Where it is offered.
    pub profiles: Profiles,
    /// The function itself.
    pub run: fn(&Arc<S>, &mut Call<'_>) -> Result<Dynamic>,
}

/// A function of a module, offered everywhere, without errors of its own.
pub const fn function<S>(
    name: &'static str,
    params: &'static [Param],
    returns: &'static str,
    summary: &'static str,
    run: fn(&Arc<S>, &mut Call<'_>) -> Result<Dynamic>,
) -> Function<S> {
    let example = Example { script: "", gives: "" };
    Function {
        name,
        shape: Shape::Function,
        params,
        returns,
        summary,
        errors: &[],
        example,
        profiles: Profiles::ALL,
        run,
    }
}

impl<S> Function<S> {
    /// Names the codes of its own errors.
    #[must_use]
    pub const fn errors(mut self, errors: &'static [Code]) -> Self {
        self.errors = errors;
        self
    }

    /// Shows how it is used, and what that gives.
    #[must_use]
    pub const fn example(mut self, script: &'static str, gives: &'static str) -> Self {
        self.example = Example { script, gives };
        self
    }

    /// Offers it in these profiles only.
    #[must_use]
    pub const fn only(mut self, profiles: Profiles) -> Self {
        self.profiles = profiles;
        self
    }

    /// Makes it a method of a handle.
    #[must_use]
    pub const fn method(mut self) -> Self {
        self.shape = Shape::Method;
        self
    }

    /// Makes it a property of a handle.
    #[must_use]
    pub const fn property(mut self) -> Self {
        self.shape = Shape::Property;
        self
    }

    /// How many arguments it takes at least and at most.
    pub fn arity(&self) -> (usize, usize) {
        let least = self.params.iter().filter(|p| !p.optional).count();
        (least, self.params.len())
    }

    /// `get(kind: text, name: text, options?: map) -> map`
    pub fn signature(&self) -> String {
        let result = if self.returns.is_empty() { String::new() } else { format!(" -> {}", self.returns) };
        if self.shape == Shape::Property {
            return format!("{}{result}", self.name);
        }
        let params: Vec<_> = self
            .params
            .iter()
            .map(|p| format!("{}{}: {}", p.name, if p.optional { "?" } else { "" }, p.kind.name()))
            .collect();
        format!("{}({}){result}", self.name, params.join(", "))
    }
}

/// A type of values that only the host makes (`App`), whose methods change the host's records.
pub struct HandleType {
    /// Identity of the Rust type.
    pub id: fn() -> TypeId,
    /// Names the type in an engine.
    pub register: fn(&mut Engine),
}

/// The functions of one module, or the methods of one handle.
pub struct Section<S: 'static> {
    /// Name of the module (`cluster`), or of the handle's type (`App`); empty for global functions.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Its functions.
    pub functions: &'static [Function<S>],
    /// For methods: their handle.
    pub handle: Option<HandleType>,
}

impl<S> Section<S> {
    /// Whether anything in it is offered in `profile`.
    pub fn offered(&self, profile: Profile) -> bool {
        self.functions.iter().any(|f| f.profiles.contain(profile))
    }

    /// How `function` is written in a script: `cluster::get`, `App.render`, `why`.
    pub fn qualified(&self, function: &Function<S>) -> String {
        match (self.name, &self.handle) {
            ("", _) => function.name.to_owned(),
            (name, None) => format!("{name}::{}", function.name),
            (name, Some(_)) => format!("{name}.{}", function.name),
        }
    }
}

/// All that scripts may call.
pub struct Registry<S: 'static> {
    /// Its sections, in the order of the documentation.
    pub sections: &'static [&'static Section<S>],
}

impl<S> Registry<S> {
    /// Every function, with its section.
    pub fn functions(&self) -> impl Iterator<Item = (&'static Section<S>, &'static Function<S>)> + '_ {
        self.sections.iter().flat_map(|section| section.functions.iter().map(move |function| (*section, function)))
    }

    /// The functions offered in `profile`, as scripts write them.
    pub fn offered(&self, profile: Profile) -> Vec<String> {
        self.functions().filter(|(_, f)| f.profiles.contain(profile)).map(|(s, f)| s.qualified(f)).collect()
    }
}
