//! A pure controller at work on the API: its plans are carried out, and what is refused comes back to it.

use std::collections::HashMap;
use std::time::Duration;

use crate::sim::api::change::Change;
use crate::sim::api::status::Status;

use super::controller::{Controller, Ctx};
use super::id::Id;
use super::plan::{Act, Plan};
use super::reconcile::{Reconcile, Refusal, Seen};
use super::writes::Writes;

/// The longest wait after a refusal.
const LONGEST: Duration = Duration::from_mins(5);

/// A pure controller, queued.
pub struct Worked<R> {
    inner: R,
    tries: HashMap<String, u32>,
}

/// What became of a plan.
enum End {
    Done,
    /// Somebody else was faster.
    Outdated,
    Refused(Box<(Act, Refusal)>),
}

impl<R: Reconcile> Worked<R> {
    /// Puts a controller to work.
    pub fn new(inner: R) -> Self {
        Self { inner, tries: HashMap::new() }
    }

    fn carry_out(&self, ctx: &Ctx<'_>, plan: &Plan) -> End {
        let user = self.inner.user();
        let mut writes = Writes::new(ctx.api, ctx.view, &user, self.inner.manager());
        for act in &plan.acts {
            if let Act::Event(note) = act {
                ctx.event(note);
                continue;
            }
            match writes.carry_out(act) {
                Ok(()) => {}
                Err(status) if is_gone(act, &status) => {}
                Err(status) if status.code() == 409 || status.code() == 404 => return End::Outdated,
                Err(status) => return End::Refused(Box::new((act.clone(), refusal(&status)))),
            }
        }
        End::Done
    }

    fn wait(&mut self, ctx: &Ctx<'_>, key: &str, first: Duration) {
        let tries = self.tries.entry(key.to_owned()).or_default();
        let wait = first.saturating_mul(1 << (*tries).min(8));
        *tries += 1;
        ctx.after(wait.min(LONGEST), key);
    }
}

impl<R: Reconcile> Controller for Worked<R> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn changed(&mut self, ctx: &Ctx<'_>, change: &Change) {
        let seen = Seen { id: Id::of(change.object()), old: change.old.clone(), new: change.new.clone() };
        for key in self.inner.touched(&seen, ctx.view) {
            ctx.at(ctx.now, &key);
        }
    }

    fn due(&mut self, ctx: &Ctx<'_>, key: &str) {
        let look = ctx.look();
        let plan = self.inner.reconcile(&look, key);
        if let Some(wake) = plan.wake {
            ctx.at(wake, key);
        }
        if let Some(lazy) = plan.lazy {
            ctx.lazily_at(lazy, key);
        }
        match self.carry_out(ctx, &plan) {
            End::Done => {
                self.tries.remove(key);
            }
            End::Outdated => self.wait(ctx, key, Duration::from_millis(5)),
            End::Refused(refused) => {
                let (act, refusal) = *refused;
                tracing::debug!(controller = self.inner.name(), key, message = refusal.message, "a write was refused");
                let more = self.inner.refused(&look, key, &act, &refusal);
                let _ = self.carry_out(ctx, &more);
                match more.wake {
                    Some(wake) => ctx.at(wake, key),
                    None => self.wait(ctx, key, Duration::from_secs(1)),
                }
            }
        }
    }
}

/// A delete or a patch of what is gone already has done its work.
fn is_gone(act: &Act, status: &Status) -> bool {
    status.code() == 404 && matches!(act, Act::Delete { .. } | Act::Merge { .. })
}

fn refusal(status: &Status) -> Refusal {
    let value = status.to_value();
    let causes = super::read::list(&value, "/details/causes");
    Refusal {
        code: status.code(),
        reason: status.reason().to_owned(),
        message: status.message().to_owned(),
        terminating: causes.iter().any(|cause| super::read::text(cause, "/reason") == "NamespaceTerminating"),
    }
}
