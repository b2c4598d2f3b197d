//! One call of a host function: its arguments, checked against the described parameters.

use std::cell::RefCell;

use rhai::{Dynamic, EvalAltResult, FnPtr, Map, NativeCallContext};
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::script::options::Options;
use crate::script::param::Param;
use crate::script::{error, value};

/// The arguments of a call, and its place.
pub struct Call<'a> {
    context: NativeCallContext<'a>,
    name: &'a str,
    params: &'static [Param],
    handle: Option<Dynamic>,
    args: Vec<Dynamic>,
    carried: RefCell<Option<Box<EvalAltResult>>>,
}

impl<'a> Call<'a> {
    /// Checks `args` against `params`; `name` is the function as scripts write it.
    pub fn new(
        context: NativeCallContext<'a>,
        name: &'a str,
        params: &'static [Param],
        handle: Option<Dynamic>,
        args: Vec<Dynamic>,
    ) -> Result<Self> {
        for (param, arg) in params.iter().zip(&args) {
            let left_out = param.optional && arg.is_unit();
            if !left_out && !param.kind.takes(arg) {
                let why = param.kind.refusal(arg);
                return Err(Error::new(Code::Invalid, format!("`{name}`: argument `{}`: {why}", param.name)));
            }
        }
        Ok(Self { context, name, params, handle, args, carried: RefCell::new(None) })
    }

    /// The function as scripts write it.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The handle that a method was called on.
    pub fn handle<T: Clone + 'static>(&self) -> Result<T> {
        let handle = self.handle.as_ref().and_then(|h| h.clone().try_cast::<T>());
        handle.ok_or_else(|| Error::new(Code::Internal, format!("`{}` was called on something else", self.name)))
    }

    /// How many arguments were given.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// Argument `i`, `()` when it was left out.
    pub fn any(&self, i: usize) -> Dynamic {
        self.args.get(i).cloned().unwrap_or(Dynamic::UNIT)
    }

    /// Argument `i` as text; empty when it was left out.
    pub fn text(&self, i: usize) -> String {
        self.optional_text(i).unwrap_or_default()
    }

    /// Argument `i` as text, if it was given.
    pub fn optional_text(&self, i: usize) -> Option<String> {
        self.args.get(i).and_then(|a| a.clone().into_string().ok())
    }

    /// Argument `i` as a whole number.
    pub fn integer(&self, i: usize) -> Option<i64> {
        self.args.get(i).and_then(|a| a.as_int().ok())
    }

    /// Argument `i` as a number.
    pub fn number(&self, i: usize) -> Option<f64> {
        let arg = self.args.get(i)?;
        arg.as_float().ok().or_else(|| arg.as_int().ok().map(|i| i as f64))
    }

    /// Argument `i` as a truth value; `false` when it was left out.
    pub fn boolean(&self, i: usize) -> bool {
        self.args.get(i).and_then(|a| a.as_bool().ok()).unwrap_or(false)
    }

    /// Argument `i` as a map; empty when it was left out.
    pub fn map(&self, i: usize) -> Map {
        self.args.get(i).and_then(|a| a.clone().try_cast::<Map>()).unwrap_or_default()
    }

    /// Argument `i` as plain data.
    pub fn json(&self, i: usize) -> Result<Value> {
        let param = self.params.get(i).map_or("?", |p| p.name);
        value::from_dynamic(&self.any(i)).map_err(|e| e.context(format!("`{}`: argument `{param}`", self.name)))
    }

    /// Argument `i` as a map of options, of which only `known` ones are taken.
    pub fn options(&self, i: usize, known: &'static [&'static str]) -> Result<Options> {
        Options::new(self.name, self.map(i), known)
    }

    /// Argument `i` as a function.
    pub fn function(&self, i: usize) -> Option<FnPtr> {
        self.args.get(i).and_then(|a| a.clone().try_cast::<FnPtr>())
    }

    /// Calls a function that the script handed over. Its error keeps its own places when it is passed on.
    pub fn call(&self, function: &FnPtr) -> Result<Dynamic> {
        function.call_within_context::<Dynamic>(&self.context, ()).map_err(|thrown| {
            let plain = error::plain(&thrown);
            *self.carried.borrow_mut() = Some(thrown);
            plain
        })
    }

    /// The error of the last function called, as the engine knows it.
    pub fn carried(&self) -> Option<Box<EvalAltResult>> {
        self.carried.borrow_mut().take()
    }

    /// Argument `i` as text: itself, or what the closure gives.
    pub fn told(&self, i: usize) -> Result<String> {
        match self.function(i) {
            Some(function) => self.call(&function).map(|v| v.to_string()),
            None => Ok(self.any(i).to_string()),
        }
    }

    /// The caller's source, as the engine knows it.
    pub fn source(&self) -> Option<&str> {
        self.context.call_source()
    }
}
