//! One run of one script: who it is about, and what it has reported so far. Belongs to one thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rhai::{Dynamic, Map};
use serde_json::{Value, json};

use crate::check::Check;
use crate::error::{Code, Error, Place, Result};
use crate::gitops::Deliverables;
use crate::goals::Objective;
use crate::manifest::Renderer;
use crate::script::library::{ObjectiveScript, Source, display};
use crate::script::profile::Profile;
use crate::script::{jail, thrown, value};

use super::host::Host;
use super::outcome::Outcome;

/// Nothing that holds one of these calls anything that could panic half way.
fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One run of one script.
pub struct Session {
    /// What it works on.
    pub host: Host,
    /// What it was started for.
    pub profile: Profile,
    objective: Value,
    script: Option<ObjectiveScript>,
    outcome: Mutex<Outcome>,
    absent: Mutex<Option<String>>,
}

impl Session {
    /// A run about the objective `id`, whose script is `script`; or about none.
    pub fn new(host: &Host, profile: Profile, id: Option<&str>, script: Option<ObjectiveScript>) -> Self {
        let objective = objective(host, id, script.as_ref());
        Self { host: host.clone(), profile, objective, script, outcome: Mutex::default(), absent: Mutex::default() }
    }

    /// The objective as scripts and templates see it: `o`.
    pub fn objective(&self) -> &Value {
        &self.objective
    }

    /// `o`, as the argument of a script's function.
    pub fn argument(&self) -> Dynamic {
        let mut map = value::to_dynamic(&self.objective).try_cast::<Map>().unwrap_or_default();
        map.insert("settings".into(), value::to_dynamic(self.host.settings()));
        Dynamic::from_map(map)
    }

    /// Namespace of objects that name none.
    pub fn namespace(&self) -> &str {
        self.objective["namespace"].as_str().unwrap_or("default")
    }

    /// Reports a check.
    pub fn report(&self, check: Check) {
        held(&self.outcome).checks.push(check);
    }

    /// Adds a note.
    pub fn note(&self, note: String) {
        held(&self.outcome).notes.push(note);
    }

    /// Remembers what was read.
    pub fn read(&self, what: String) {
        let mut outcome = held(&self.outcome);
        if !outcome.reads.contains(&what) {
            outcome.reads.push(what);
        }
    }

    /// Remembers what was looked for and is not there: a `()` cannot say what it stands for.
    pub fn missed(&self, what: Option<String>) {
        *held(&self.absent) = what;
    }

    /// What was looked for last, if it was not there.
    pub fn absent(&self) -> Option<String> {
        held(&self.absent).clone()
    }

    /// What was declared so far, to be added to.
    pub fn declare<T>(&self, add: impl FnOnce(&mut Deliverables) -> Result<T>) -> Result<T> {
        let mut outcome = held(&self.outcome);
        if outcome.deliverables.is_none() {
            outcome.deliverables = Some(Deliverables::new(self.host.layout()?));
        }
        match outcome.deliverables.as_mut() {
            Some(deliverables) => add(deliverables),
            None => Err(Error::new(Code::Internal, "deliverables got lost")),
        }
    }

    /// The objective's script.
    pub fn script(&self) -> Option<&ObjectiveScript> {
        self.script.as_ref()
    }

    /// All that was reported.
    pub fn take(&self) -> Outcome {
        std::mem::take(&mut *held(&self.outcome))
    }

    /// The template `name`: beside the objective's script, or below `lib/`.
    pub fn template(&self, name: &str) -> Result<Source> {
        if let Some(script) = &self.script {
            return self.host.library().template(script, name);
        }
        jail::inside(name)?;
        self.host.library().read(name)
    }

    /// Renders the template `name` with settings, objective, `app` (where it belongs to one) and `vars`.
    pub fn render(&self, name: &str, app: Option<&Value>, vars: Value) -> Result<String> {
        let source = self.template(name)?;
        let mut context = json!({ "settings": self.host.settings(), "o": self.objective, "objective": self.objective });
        if let Some(app) = app {
            context["app"] = app.clone();
        }
        if let (Value::Object(context), Value::Object(vars)) = (&mut context, vars) {
            context.extend(vars);
        }
        let library = self.host.library().clone();
        let folder = self.script.as_ref().map(|script| script.folder().to_owned());
        let path_of = move |included: &str| match &folder {
            Some(folder) if !included.starts_with("lib/") => format!("{folder}/{included}"),
            _ => included.to_owned(),
        };
        let find = path_of.clone();
        let loader = move |included: &str| -> Result<Option<String>> {
            jail::inside(included)?;
            Ok(library.find(&find(included))?.map(|source| source.text))
        };
        let own = source.display();
        Renderer::new(loader).render(&own, &source.text, &context).map_err(|error| {
            let places = error.places().iter().cloned().map(|place| {
                if place.file == own { place } else { Place { file: display(&path_of(&place.file)), ..place } }
            });
            thrown::rebuilt(&error, error.message().to_owned(), places.collect::<Vec<_>>())
        })
    }
}

fn objective(host: &Host, id: Option<&str>, script: Option<&ObjectiveScript>) -> Value {
    let namespace = match host.setting("/namespace") {
        "" => "default",
        namespace => namespace,
    };
    let Some(id) = id else { return json!({ "id": "", "name": "", "phase": "", "namespace": namespace }) };
    let known: Result<&Objective, Error> = host.ledger().and_then(|ledger| ledger.objective(id));
    match known {
        Ok(objective) => json!({
            "id": id,
            "name": objective.name,
            "description": objective.description,
            "phase": objective.phase,
            "status": objective.status_word,
            "prerequisites": objective.prerequisites,
            "deliverables": objective.deliverables,
            "namespace": namespace,
        }),
        Err(_) => json!({
            "id": id,
            "name": script.map_or("", |script| script.name.as_str()),
            "description": "",
            "phase": "",
            "status": "",
            "prerequisites": [],
            "deliverables": [],
            "namespace": namespace,
        }),
    }
}
