//! The engine, the check and the error chain together, on a small registry of their own.

use std::any::TypeId;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rhai::Dynamic;

use super::call::Call;
use super::compile::Program;
use super::engine::{Machine, compiler};
use super::library::{EVAL, Library, Origin, Source};
use super::profile::{Profile, Profiles};
use super::registry::{Example, Function, HandleType, Registry, Section, Shape, Type, optional, param};
use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

#[derive(Default)]
struct World {
    said: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct Box_;

const NONE: Example = Example { script: "", gives: "" };

fn say(world: &Arc<World>, call: &mut Call<'_>) -> Result<Dynamic> {
    let text = call.told(0)?;
    world.said.lock().unwrap().push(text);
    Ok(Dynamic::UNIT)
}

const THINGS: Section<World> = Section {
    name: "things",
    summary: "Things to try.",
    handle: None,
    functions: &[
        Function {
            name: "say",
            shape: Shape::Function,
            params: &[param("text", Type::TextOrFunction), optional("options", Type::Map)],
            returns: "",
            summary: "Says it.",
            errors: &[],
            example: NONE,
            profiles: Profiles::ALL,
            run: say,
        },
        Function {
            name: "missing",
            shape: Shape::Function,
            params: &[param("id", Type::Id)],
            returns: "",
            summary: "Fails.",
            errors: &[Code::NotFound],
            example: NONE,
            profiles: Profiles::ALL,
            run: |_, call| {
                Err(Error::new(Code::NotFound, format!("no {}", call.text(0)))
                    .object("Pod", Some("a"), "b")
                    .hint("look"))
            },
        },
        Function {
            name: "panics",
            shape: Shape::Function,
            params: &[],
            returns: "",
            summary: "Panics.",
            errors: &[],
            example: NONE,
            profiles: Profiles::ALL,
            run: |_, _| panic!("on purpose"),
        },
        Function {
            name: "declare",
            shape: Shape::Function,
            params: &[],
            returns: "Box",
            summary: "In execute only.",
            errors: &[],
            example: NONE,
            profiles: Profiles::EXECUTE,
            run: |_, _| Ok(Dynamic::from(Box_)),
        },
    ],
};

const BOX: Section<World> = Section {
    name: "Box",
    summary: "A handle.",
    handle: Some(HandleType {
        id: TypeId::of::<Box_>,
        register: |engine| {
            engine.register_type_with_name::<Box_>("Box");
        },
    }),
    functions: &[Function {
        name: "put",
        shape: Shape::Method,
        params: &[param("text", Type::Text)],
        returns: "",
        summary: "Puts.",
        errors: &[],
        example: NONE,
        profiles: Profiles::EXECUTE,
        run: |world, call| {
            call.handle::<Box_>()?;
            world.said.lock().unwrap().push(format!("put {}", call.text(0)));
            Ok(Dynamic::UNIT)
        },
    }],
};

static REGISTRY: Registry<World> = Registry { sections: &[&THINGS, &BOX] };

struct Try {
    _dir: tempfile::TempDir,
    library: Library,
}

impl Try {
    fn new(script: &str, libs: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join("scripts").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("phases/9-try/9.1-try.rhai", script);
        for (path, text) in libs {
            write(path, text);
        }
        let library = Library::of_repository(dir.path());
        Self { _dir: dir, library }
    }

    fn program(&self) -> Result<Program> {
        Program::load(&self.library, "phases/9-try/9.1-try.rhai", &compiler(&REGISTRY))
    }

    fn check(&self) -> Vec<String> {
        let program = self.program().unwrap();
        let entries = [("review", Profile::Review), ("execute", Profile::Execute)];
        super::check::program(&program, &REGISTRY, &compiler(&REGISTRY), &entries).iter().map(show).collect()
    }

    fn run(&self, function: &str, profile: Profile, cancel: &Cancel) -> (Result<Dynamic>, Vec<String>) {
        let world = Arc::new(World::default());
        let machine = Machine::new(&REGISTRY, profile, &world, cancel, self.program().unwrap());
        let result = machine.call(function, vec![]);
        drop(machine);
        (result, std::mem::take(&mut *world.said.lock().unwrap()))
    }

    fn fails(&self, function: &str) -> Error {
        self.run(function, Profile::Review, &Cancel::new()).0.unwrap_err()
    }
}

/// `message | file:line:column label | …`
fn show(error: &Error) -> String {
    let mut parts = vec![format!("[{}] {}", error.code(), error.message())];
    for place in error.places() {
        let file = place.file.rsplit('/').next().unwrap();
        let label = place.label.as_ref().map_or(String::new(), |label| format!(" {label}"));
        parts.push(format!("{file}:{}:{}+{}{label}", place.line, place.column, place.length));
    }
    parts.join(" | ")
}

#[test]
fn host_functions_constants_and_libraries_work_together() {
    let t = Try::new(
        "import \"lib/more\" as more;\nconst NAME = \"n\";\nfn act() { things::say(global::NAME); more::twice(\"x\"); let y = 3; things::say(|| `y is ${y} ${global::NAME}`); }",
        &[(
            "lib/more.rhai",
            "const PRE = \"pre-\";\nfn twice(t) { inner(t); inner(t) }\nprivate fn inner(t) { things::say(global::PRE + t) }",
        )],
    );
    let (result, said) = t.run("act", Profile::Review, &Cancel::new());
    let _ = result.unwrap();
    assert_eq!(said, ["n", "pre-x", "pre-x", "y is 3 n"]);
}

#[test]
fn an_error_names_every_place_of_the_call_chain() {
    let t = Try::new(
        "import \"lib/more\" as more;\n\nfn act() {\n    middle();\n}\nfn middle() {\n    more::deep(1);\n}\n",
        &[("lib/more.rhai", "fn deep(x) {\n    deeper(x)\n}\nfn deeper(x) {\n    things::missing(\"7.7\")\n}")],
    );
    let error = t.fails("act");
    assert_eq!(
        show(&error),
        "[not_found] no 7.7 | more.rhai:5:13+7 | more.rhai:2:5+6 | 9.1-try.rhai:7:11+4 | 9.1-try.rhai:4:5+6"
    );
    assert_eq!(error.places()[0].file, "scripts/lib/more.rhai");
    assert!(error.places().iter().all(|place| place.source.is_some()));
    assert_eq!(error.object_ref().unwrap().to_string(), "Pod a/b");
    assert_eq!(error.hint_text(), Some("look"));
}

#[test]
fn an_error_in_a_closure_keeps_its_place() {
    let t = Try::new("fn act() {\n    things::say(||\n        things::missing(\"1.1\"));\n}", &[]);
    let error = t.fails("act");
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!((error.places()[0].line, error.places()[0].column), (3, 17), "{}", show(&error));
}

#[test]
fn a_script_matches_on_codes_and_rethrows() {
    let t = Try::new(
        "fn act() {\n  try { things::missing(\"1.1\"); } catch (e) {\n    if e.code != \"not_found\" { throw \"wrong\"; }\n    things::say(`${e.kind} ${e.namespace}/${e.name}`);\n    throw e;\n  }\n}\nfn text() { throw \"plain words\"; }\nfn map() { throw #{ code: \"not_ready\", message: \"later\", hint: \"wait\" }; }",
        &[],
    );
    let (result, said) = t.run("act", Profile::Review, &Cancel::new());
    assert_eq!(said, ["Pod a/b"]);
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.message(), error.hint_text()), (Code::NotFound, "no 1.1", Some("look")));
    assert_eq!(show(&t.fails("text")), "[script] plain words | 9.1-try.rhai:8:13+5");
    let map = t.fails("map");
    assert_eq!((map.code(), map.hint_text()), (Code::NotReady, Some("wait")));
}

#[test]
fn a_panic_of_the_host_is_an_error_with_a_place() {
    let t = Try::new("fn act() {\n  try { things::panics(); } catch { }\n}", &[]);
    let error = t.fails("act");
    assert_eq!(show(&error), "[internal] `things::panics` failed inside dpb: on purpose | 9.1-try.rhai:2:17+6");
}

#[test]
fn endless_loops_and_recursion_end_with_a_reason() {
    let t = Try::new("fn act() { loop { } }\nfn deep(x) { deep(x + 1) }\nfn dive() { deep(0) }", &[]);
    let cancel = Cancel::new().within(Duration::from_millis(150));
    let start = Instant::now();
    let error = t.run("act", Profile::Review, &cancel).0.unwrap_err();
    assert_eq!(error.code(), Code::Timeout, "{error}");
    assert_eq!(error.places().len(), 1);
    assert!(start.elapsed() < Duration::from_secs(3));
    let error = t.fails("dive");
    assert!(error.message().contains("deeper than 64 levels"), "{error}");
    let cancel = Cancel::new();
    cancel.interrupt();
    let caught = Try::new("fn act() { try { loop { } } catch { } }", &[]).run("act", Profile::Review, &cancel).0;
    assert_eq!(caught.unwrap_err().code(), Code::Interrupted);
}

#[test]
fn silence_of_the_language_is_an_error() {
    let t = Try::new("fn act() { let m = #{ namespace: 1 }; m.namespase }\nfn sum() { 1 + [] }", &[]);
    let error = t.fails("act");
    assert_eq!(error.message(), "no property `namespase` in this map");
    assert!(error.hint_text().unwrap().starts_with("Did you mean `namespace`?"));
    assert_eq!(error.places().len(), 1, "{}", show(&error));
    let error = t.fails("sum");
    assert_eq!(error.places().len(), 1, "{}", show(&error));
}

#[test]
fn wrong_arguments_say_which_and_what() {
    let t = Try::new("fn act(x) { }\nfn a() { let x = 1.10; things::missing(x) }", &[]);
    let error = t.fails("a");
    assert_eq!(
        error.message(),
        "`things::missing`: argument `id`: an id is text (\"1.2\"; the number 1.10 would be 1.1), and this is a float"
    );
}

#[test]
fn a_profile_does_not_have_what_it_does_not_offer() {
    let t = Try::new(
        "fn review() { let b = things::declare(); b.put(\"x\") }\nfn execute() { let b = things::declare(); b.put(\"x\") }",
        &[],
    );
    let (result, said) = t.run("execute", Profile::Execute, &Cancel::new());
    let _ = result.unwrap();
    assert_eq!(said, ["put x"]);
    assert_eq!(t.fails("review").code(), Code::Script);
    assert_eq!(
        t.check(),
        [
            "[script] `things::declare` is not offered in a review, and `review` calls it | 9.1-try.rhai:1:31+7",
            "[script] `Box.put` is not offered in a review, and `review` calls it | 9.1-try.rhai:1:44+3",
        ]
    );
    assert_eq!(REGISTRY.offered(Profile::Review), ["things::say", "things::missing", "things::panics"]);
}

#[test]
fn the_check_finds_what_would_fail_later() {
    let t = Try::new(
        "import \"lib/more\" as more;
const A = 1;
fn review(o) {
    things::sya(\"x\");
    things::say();
    things::missing(1.10);
    more::ptu(1);
    more::hidden();
    more::put();
    let list = [1].fliter(|p| things::missin(p));
    nope(1);
    global::B + more::C + global::A;
    print(type_of(list)); list.len(); list.push(1); helper(1);
    helper(1, 2)
}
fn helper(a) { more::put(1) }",
        &[("lib/more.rhai", "fn put(x) { things::declare() }\nprivate fn hidden() {}\n")],
    );
    assert_eq!(
        t.check(),
        [
            "[script] `things::declare` is not offered in a review, and `review` calls it | more.rhai:1:21+7",
            "[script] no function `things::sya` with 1 argument | 9.1-try.rhai:4:13+3 did you mean `say`?",
            "[script] `things::say` takes 1 to 2 arguments, and here is none | 9.1-try.rhai:5:13+3",
            "[script] `things::missing`: argument `id`: an id is text (\"1.2\"; the number 1.10 would be 1.1), and this is a float | 9.1-try.rhai:6:21+1",
            "[script] no function `more::ptu` with 1 argument | 9.1-try.rhai:7:11+3 did you mean `put`?",
            "[script] no function `more::hidden` with no argument | 9.1-try.rhai:8:11+6",
            "[script] `more::put` takes 1 argument, and here is none | 9.1-try.rhai:9:11+3",
            "[script] no function `.fliter` with 1 argument | 9.1-try.rhai:10:20+6 did you mean `filter`?",
            "[script] no function `things::missin` with 1 argument | 9.1-try.rhai:10:39+6 did you mean `missing`?",
            "[script] no function `nope` with 1 argument | 9.1-try.rhai:11:5+4",
            "[script] no constant `global::B` | 9.1-try.rhai:12:13+1",
            "[script] no constant `more::C` | 9.1-try.rhai:12:23+1",
            "[script] `helper` takes 1 argument, and here are 2 | 9.1-try.rhai:14:5+6",
        ]
    );
}

#[test]
fn what_does_not_compile_has_its_place() {
    let compile = |text: &str| show(&Try::new(text, &[]).program().err().unwrap());
    assert_eq!(compile("fn a() { let x = ; }"), "[script] syntax error: unexpected ';' | 9.1-try.rhai:1:18+1");
    assert_eq!(
        compile("fn a(objective) { objectve.id }"),
        "[script] no variable `objectve` | 9.1-try.rhai:1:19+8 did you mean `objective`?"
    );
    assert_eq!(
        compile("fn a() { thing::say(1) }"),
        "[script] no module `thing` | 9.1-try.rhai:1:10+5 did you mean `things`?"
    );
    assert_eq!(
        compile("fn a() { eval(\"1\") }"),
        "[script] syntax error: reserved keyword 'eval' is disabled | 9.1-try.rhai:1:10+4"
    );
    assert_eq!(
        compile("import \"../x\" as x;"),
        "[denied] import refused: path `../x` leaves its folder; scripts read only what lies under scripts/ | 9.1-try.rhai:1:1+6"
    );
    assert_eq!(
        compile("import \"lib/absent-one\" as x;"),
        "[not_found] no file scripts/lib/absent-one.rhai | 9.1-try.rhai:1:1+6"
    );
    let circle = Try::new(
        "import \"lib/a\" as a;",
        &[("lib/a.rhai", "import \"lib/b\" as b;"), ("lib/b.rhai", "import \"lib/a\" as a;")],
    );
    assert!(
        circle.program().err().unwrap().message().starts_with("imports in a circle: lib/a.rhai imports lib/b.rhai")
    );
}

#[test]
fn only_const_import_and_fn_stand_at_the_top() {
    let t = Try::new("let x = 1;\nconst B = things::say(\"x\");\nprint(1);\nfn act() {}", &[]);
    assert_eq!(
        t.check(),
        [
            "[script] only const, import and fn stand at the top of a script | 9.1-try.rhai:1:1+1",
            "[script] a constant can't call `things::say` | 9.1-try.rhai:2:19+3",
            "[script] only const, import and fn stand at the top of a script | 9.1-try.rhai:3:1+1",
        ]
    );
}

#[test]
fn an_expression_of_a_person_is_checked_and_run() {
    let world = Arc::new(World::default());
    let compiler = compiler(&REGISTRY);
    let source = |text: &str| Source { path: EVAL.into(), text: text.into(), origin: Origin::Repository };
    let program =
        Program::of(&Library::shipped(), source("let x = 2; things::say(`${x}`); x * 21"), &compiler).unwrap();
    assert!(super::check::program(&program, &REGISTRY, &compiler, &[]).is_empty());
    let value = Machine::new(&REGISTRY, Profile::Eval, &world, &Cancel::new(), program).eval().unwrap();
    assert_eq!(value.as_int(), Ok(42));
    let program = Program::of(&Library::shipped(), source("things::sy(1)"), &compiler).unwrap();
    let errors = super::check::program(&program, &REGISTRY, &compiler, &[]);
    assert_eq!(show(&errors[0]), "[script] no function `things::sy` with 1 argument | eval:1:9+2");
}

#[test]
fn functions_come_in_order_of_declaration() {
    let t = Try::new("fn zeta(o) {}\nfn alpha(o) { [1].map(|x| x) }\nprivate fn hidden(o) {}\nfn two(a, b) {}", &[]);
    assert_eq!(t.program().unwrap().functions(1), ["zeta", "alpha"]);
}
